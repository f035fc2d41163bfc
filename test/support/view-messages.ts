/** VIEW-CHANGEs and NEW-VIEWs made by hand, signed with the keys of a kit: what a replica, correct or not, can say about views. */
import type { Bytes } from '../../src/base/bytes.ts';
import { asView } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import { blankViewChange } from '../../src/byzantine/view-change-lies.ts';
import { newViewBytes, viewChangeBytes, viewChangeDigest } from '../../src/messages/index.ts';
import type { ClaimedSlot, SignedNewView, SignedViewChange, ViewChange } from '../../src/messages/index.ts';
import { decide } from '../../src/protocol/decision.ts';
import type { NewViewChoice } from '../../src/protocol/decision.ts';
import type { Output } from '../../src/protocol/output.ts';
import { makeQuorums } from '../../src/protocol/quorum.ts';
import { replica, seq } from './core-kit.ts';
import type { CoreKit } from './core-kit.ts';
import type { Rig } from './rig.ts';

/** The VIEW-CHANGE of `from` for `view`: it knows nothing, at genesis, but for what is given. */
export function viewChangeOf(
  kit: CoreKit,
  from: number,
  view: number,
  given: Partial<ViewChange> = {},
): SignedViewChange {
  const viewChange: ViewChange = { ...blankViewChange(replica(from), asView(view)), ...given };
  return { viewChange, signature: kit.of(from).sign(viewChangeBytes(kit.codec, viewChange)) };
}

/** P and Q of a replica that prepared `digest` at `sequence` in `view`. */
export function preparedAt(sequence: number, digest: Digest, view = 0): Pick<ViewChange, 'prepared' | 'prePrepared'> {
  const entry: ClaimedSlot = { sequence: seq(sequence), digest, view: asView(view) };
  return { prepared: [entry], prePrepared: [entry] };
}

/** h at `sequence`, proven by these. */
export function stableAt(
  kit: CoreKit,
  sequence: number,
  root: Digest,
  signers: readonly number[],
): Pick<ViewChange, 'lowWaterMark' | 'root' | 'stableProof'> {
  const stableProof = signers.map((from) => {
    const { message: checkpoint, signature } = kit.checkpoint(from, sequence, root);
    return { checkpoint, signature };
  });
  return { lowWaterMark: seq(sequence), root, stableProof };
}

/** The NEW-VIEW of the primary of `view`. `choice`: what follows from the VIEW-CHANGEs for one that holds all bodies, unless a lie is given. */
export function newViewOf(
  kit: CoreKit,
  view: number,
  viewChanges: readonly SignedViewChange[],
  choice?: NewViewChoice,
): SignedNewView {
  const { replicaCount } = kit.cluster;
  const newView = {
    type: 'new-view' as const,
    view: asView(view),
    ...(choice ?? choiceFrom(viewChanges, replicaCount)),
    supports: viewChanges.map(({ viewChange }) => ({
      replica: viewChange.replica,
      digest: viewChangeDigest(kit.codec, viewChange),
    })),
    viewChanges,
  };
  return { newView, signature: kit.of(view % replicaCount).sign(newViewBytes(kit.codec, newView)) };
}

function choiceFrom(viewChanges: readonly SignedViewChange[], replicaCount: number): NewViewChoice {
  const claims = viewChanges.map(({ viewChange }) => viewChange);
  const decision = decide(claims, makeQuorums(replicaCount), () => true);
  if (decision.kind !== 'chosen') throw new Error(`these VIEW-CHANGEs allow no choice: ${JSON.stringify(decision)}`);
  return decision.choice;
}

/** A VIEW-CHANGE or NEW-VIEW arrives at the rig, its signature verified. */
export function tell(rig: Rig, signed: SignedViewChange | SignedNewView): readonly Output[] {
  return 'newView' in signed
    ? rig.receive(signed.newView, { signature: signed.signature })
    : rig.receive(signed.viewChange, { signature: signed.signature });
}

/** The only VIEW-CHANGE among what a step gave. */
export function sentViewChange(outputs: readonly Output[]): SignedViewChange {
  const [only, ...more] = sentOfType(outputs, 'view-change');
  if (only?.message.type !== 'view-change' || only.signature === undefined || more.length > 0)
    throw new Error('one VIEW-CHANGE was to be sent');
  return { viewChange: only.message, signature: only.signature };
}

/** The only NEW-VIEW among what a step gave; undefined if none was sent. */
export function sentNewView(outputs: readonly Output[]): SignedNewView | undefined {
  const [only] = sentOfType(outputs, 'new-view');
  if (only?.message.type !== 'new-view' || only.signature === undefined) return undefined;
  return { newView: only.message, signature: only.signature };
}

function sentOfType(
  outputs: readonly Output[],
  type: 'view-change' | 'new-view',
): readonly {
  readonly message: Extract<Output, { kind: 'send' }>['message'];
  readonly signature?: Bytes | undefined;
}[] {
  return outputs.flatMap((output) => (output.kind === 'send' && output.message.type === type ? [output] : []));
}
