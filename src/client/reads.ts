/**
 * The read-only requests of a client that are under way (protocol/client-read.ts): their nonces, their time, and which answer belongs to which. Owns them, and a
 * bound on how many there are.
 */
import { ChurningMap } from '../base/churning.ts';
import { randomInt } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { EVERYBODY } from '../messages/index.ts';
import type { CodecContext, Reply } from '../messages/index.ts';
import { ClientRead } from '../protocol/client-read.ts';
import type { ClientReadConfig, ReadVerdict } from '../protocol/client-read.ts';
import type { Dispatch } from './outbox.ts';

/** Under way at once. */
const READS = 256;
/** A nonce is two of them. */
const NONCE_END = 2 ** 48 - 1;

export interface ReadsOptions {
  readonly cluster: ClientReadConfig['cluster'];
  readonly client: ClientId;
  readonly codec: CodecContext;
  /** After so long, in µs, a read is undecided. */
  readonly patienceUs: number;
  readonly send: (dispatch: Dispatch) => void;
  /** µs of a clock that no jump of the wall clock moves. */
  readonly nowUs: () => number;
}

/** How long a read may take at most. */
export interface ReadLimits {
  /** After so long, or sooner if that is the patience, it is undecided. */
  readonly timeoutUs: number;
  /** At this it is undecided. Requires: not aborted yet. */
  readonly signal: AbortSignal | undefined;
}

interface UnderWay {
  readonly read: ClientRead;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (verdict: ReadVerdict) => void;
}

export class Reads {
  readonly #options: ReadsOptions;
  /** By the first part of their nonces. */
  readonly #underWay = new ChurningMap<number, UnderWay>();

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#underWay.size >= READS;
  }

  get count(): number {
    return this.#underWay.size;
  }

  /** `replier`: who is to return the full result. Requires: not full; the operation is within its limit. */
  async read(operation: Bytes, replier: ReplicaId | undefined, limits: ReadLimits): Promise<ReadVerdict> {
    const { cluster, client, codec, nowUs, send } = this.#options;
    const patienceUs = Math.min(this.#options.patienceUs, limits.timeoutUs);
    let session: number;
    do session = randomInt(1, NONCE_END);
    while (this.#underWay.has(session));
    const nonce = { session, timestamp: randomInt(1, NONCE_END) };
    const read = new ClientRead({ cluster, client, nonce, patienceUs }, codec, { now: nowUs(), operation, replier });
    const { request, digest, to, isSigned: signed } = read;
    return new Promise<ReadVerdict>((resolve) => {
      const giveUp = (): void => this.#end(session, { kind: 'undecided', why: 'timeout' });
      const timer = setTimeout(giveUp, Math.ceil(patienceUs / 1000));
      limits.signal?.addEventListener('abort', giveUp);
      this.#underWay.set(session, {
        read,
        timer,
        resolve: (verdict) => {
          limits.signal?.removeEventListener('abort', giveUp);
          resolve(verdict);
        },
      });
      send({
        to,
        request,
        digest,
        asked: EVERYBODY,
        signed,
        isRepeat: false,
        proof: undefined,
        isOver: () => !this.#underWay.has(session),
        onSent: () => undefined,
      });
    });
  }

  /** An authentic reply of `replica` to some read. */
  onReply(reply: Reply, replica: ReplicaId): void {
    const verdict = this.#underWay.get(reply.session)?.read.onReply(reply, replica);
    if (verdict !== undefined) this.#end(reply.session, verdict);
  }

  /** All that are under way are undecided. */
  close(): void {
    for (const session of this.#underWay.keys()) this.#end(session, { kind: 'undecided', why: 'timeout' });
  }

  #end(session: number, verdict: ReadVerdict): void {
    const ended = this.#underWay.get(session);
    if (ended === undefined) return;
    this.#underWay.delete(session);
    clearTimeout(ended.timer);
    ended.resolve(verdict);
  }
}
