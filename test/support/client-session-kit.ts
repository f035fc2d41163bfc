/** A client session and the replicas around it, for tests: what a correct replica answers, and every way to alter it. */
import { generateKeyPairSync, hash, sign, verify } from 'node:crypto';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import type { Digest, ReplicaId } from '../../src/base/ids.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { CodecContext, resultDigest } from '../../src/messages/index.ts';
import type { Reply } from '../../src/messages/index.ts';
import { ClientSession } from '../../src/protocol/client-session.ts';
import type {
  ClientOutcome,
  ClientOutput,
  ClientSessionConfig,
  SubmitOptions,
} from '../../src/protocol/client-session.ts';
import { ReceiptVerifier, makeReceipts } from '../../src/protocol/receipts.ts';
import { makeTableError, tableErrorResult } from '../../src/protocol/table-error.ts';
import type { SessionBounds, TableErrorCode } from '../../src/protocol/table-error.ts';
import type { ViewEstimate } from '../../src/protocol/view-estimate.ts';

export const bytes = (text: string): Uint8Array => encodeUtf8(text) ?? new Uint8Array(0);
export const context = new CodecContext(asDigest('c1'.repeat(32)), (data) => asDigest(hash('sha256', data, 'hex')));
export const digest = (name: string): Digest => context.sha256(bytes(name));
export const replica = (index: number): ReplicaId => asReplicaId(index);

export const CLIENT = asClientId('ab'.repeat(32));
export const SESSION = 1_000_000;
export const T = 100;
export const CAP = 400;
export const HORIZON = 10_000;
export const TIMEOUT = 5_000;
export const OPERATION = bytes('{"operation":"transfer"}');
export const RESULT = bytes('{"ok":true}');

const keys = Array.from({ length: 7 }, () => generateKeyPairSync('ed25519'));
const authenticator = {
  verifySignature: (party: { kind: string; replica?: ReplicaId }, data: Uint8Array, signature: Uint8Array): boolean => {
    const key = keys[party.replica ?? -1]?.publicKey;
    return key !== undefined && verify(null, data, key, signature);
  },
};

export function signed(reply: Reply): Reply {
  const key = keys[reply.replica]?.privateKey;
  if (key === undefined) return reply;
  const [receipt] = makeReceipts(context, { sign: (data) => new Uint8Array(sign(null, data, key)) }, [reply]);
  return receipt ?? reply;
}

export type ConfigChange = {
  readonly replicaCount?: number;
  readonly authentication?: 'mac' | 'signature';
  readonly readOnlyRequests?: boolean;
  readonly tentativeExecution?: boolean;
};

export function newSession(
  { replicaCount = 4, authentication = 'mac', readOnlyRequests = false, tentativeExecution = false }: ConfigChange = {},
  views?: ViewEstimate,
  onVerify: () => void = () => undefined,
): ClientSession {
  const config: ClientSessionConfig = {
    cluster: {
      replicaCount,
      quorumRule: 'intersecting',
      authentication,
      sessionHorizonUs: HORIZON,
      readOnlyRequests,
      tentativeExecution,
    },
    client: CLIENT,
    session: SESSION,
    timing: { requestTimeoutUs: T, retryCapUs: CAP },
  };
  const counting = {
    verifySignature: (...args: Parameters<typeof authenticator.verifySignature>): boolean => {
      onVerify();
      return authenticator.verifySignature(...args);
    },
  };
  const modules = { context, receipts: new ReceiptVerifier(context, counting) };
  return new ClientSession(config, views === undefined ? modules : { ...modules, views });
}

export type Sending = Extract<ClientOutput, { kind: 'send' }>;

export function sendingOf(outputs: readonly ClientOutput[]): Sending {
  const sending = outputs.find((output) => output.kind === 'send');
  if (sending?.kind !== 'send') throw new Error('nothing was sent');
  return sending;
}

export function submit(session: ClientSession, now = 0, options: Partial<SubmitOptions> = {}): Sending {
  const submitted = session.submit(now, OPERATION, { timeoutUs: TIMEOUT, ...options });
  if (!submitted.ok) throw new Error(submitted.error.code);
  return sendingOf(submitted.value);
}

/** What a correct replica that executed the request answers; its result in full only where asked for. */
export function replyTo({ request, digest: ofRequest }: Sending, from: number, change: Partial<Reply> = {}): Reply {
  const result = change.result ?? RESULT;
  return {
    type: 'reply',
    view: asView(0),
    sequence: asSequence(7),
    digest: digest('batch 7'),
    replica: replica(from),
    client: request.client,
    session: request.session,
    timestamp: request.timestamp,
    requestDigest: ofRequest,
    outcome: 'executed',
    resultDigest: resultDigest(context, result),
    since: undefined,
    result,
    receipt: undefined,
    ...change,
  };
}

export function errorReply(
  sending: Sending,
  from: number,
  code: TableErrorCode,
  bounds?: SessionBounds,
  sequence = 7,
): Reply {
  const result = tableErrorResult(makeTableError(code, bounds));
  return replyTo(sending, from, { outcome: 'table-error', sequence: asSequence(sequence), result });
}

export const give = (session: ClientSession, reply: Reply, now = 1): readonly ClientOutput[] =>
  session.onReply(now, reply, reply.replica);

export function outcomeOf(outputs: readonly ClientOutput[]): ClientOutcome | undefined {
  const found = outputs.find((output) => output.kind === 'outcome' || output.kind === 'late-outcome');
  return found?.kind === 'outcome' || found?.kind === 'late-outcome' ? found.outcome : undefined;
}

export const liarsIn = (outputs: readonly ClientOutput[]): number[] =>
  outputs.flatMap((output) => (output.kind === 'wrong-reply' ? [output.replica as number] : []));

/** One field of a reply altered, every one that the acceptance depends on. */
export const ALTERATIONS: readonly [string, Partial<Reply>][] = [
  ['sequence', { sequence: asSequence(8) }],
  ['batch digest', { digest: digest('batch 8') }],
  ['outcome: replayed', { outcome: 'replayed' }],
  ['outcome: table-error', { outcome: 'table-error' }],
  ['result', { result: bytes('{"ok":false}') }],
  ['result digest', { resultDigest: digest('another'), result: undefined }],
  ['client', { client: asClientId('cd'.repeat(32)) }],
  ['session', { session: SESSION + 1 }],
  ['timestamp', { timestamp: 2 }],
  ['request digest', { requestDigest: digest('another request') }],
];
