/** VIEW-CHANGE: a replica leaves its view, and says what it knows that the next primary must respect. `[TOCS §3.2.4, §4.3.5]` */
import type { Digest } from '../base/ids.ts';
import { NULL_DIGEST } from '../base/ids.ts';
import { signedCheckpoint } from './checkpoint.ts';
import { DOMAINS } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import type { Fault } from './schema/composites.ts';
import { list, object } from './schema/composites.ts';
import { digest, sender, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { signature } from './schema/signed-text.ts';
import { Writer } from './schema/writer.ts';

const claimedSlot = object({ sequence, digest, view });

/** A checkpoint by its number and root. */
export const claimedCheckpoint = object({ sequence, root: digest });

/**
 * `lowWaterMark` (h) and `root`: the stable checkpoint, proven by `stableProof`; at genesis 0, the null digest and no proof. `checkpoints` (C):
 * those announced above h. `prepared` (P): per sequence number the latest view in which a digest prepared. `prePrepared` (Q): per sequence number
 * and digest the latest view in which it was pre-prepared. The proof is attached: it proves itself.
 */
export const viewChange = message({
  type: 'view-change',
  tag: 16,
  content: {
    view,
    lowWaterMark: sequence,
    root: digest,
    checkpoints: list(claimedCheckpoint, LIMITS.windowSlots),
    prepared: list(claimedSlot, LIMITS.windowSlots),
    prePrepared: list(claimedSlot, LIMITS.claimedDigests),
    replica: sender,
  },
  attached: { stableProof: list(signedCheckpoint, LIMITS.replicas) },
  rule: (value) => ruleOf(value),
});

/** What `rule` needs. */
interface Claim {
  readonly lowWaterMark: number;
  readonly root: Digest;
  readonly stableProof: readonly ValueOf<typeof signedCheckpoint>[];
}

function ruleOf({ lowWaterMark, root, stableProof }: Claim): Fault | undefined {
  if (lowWaterMark === 0) {
    if (root !== NULL_DIGEST) return { code: 'inconsistent', at: 'root' };
    return stableProof.length === 0 ? undefined : { code: 'inconsistent', at: 'stableProof' };
  }
  const isProof = stableProof.every(
    ({ checkpoint }) => checkpoint.sequence === lowWaterMark && checkpoint.root === root,
  );
  return isProof && stableProof.length > 0 ? undefined : { code: 'inconsistent', at: 'stableProof' };
}

/** One entry of P or Q. */
export type ClaimedSlot = ValueOf<typeof claimedSlot>;
/** One entry of C. */
export type ClaimedCheckpoint = ValueOf<typeof claimedCheckpoint>;
/** VIEW-CHANGE. */
export type ViewChange = ValueOf<typeof viewChange>;
/** A VIEW-CHANGE without the proof of its h: what is signed. */
export type ViewChangeContent = ValueOf<typeof viewChange.content>;

/** A VIEW-CHANGE with its sender's Ed25519 signature: to be passed on by anyone. */
export const signedViewChange = object({ viewChange, signature });
/** VIEW-CHANGE with its signature. */
export type SignedViewChange = ValueOf<typeof signedViewChange>;

const CLAIM_BYTES = claimedSlot.maxBytes;

/** Bytes of the encoding. */
export function viewChangeSize(value: ViewChange): number {
  const proofBytes = viewChange.minBytes - viewChange.content.minBytes;
  return contentSize(value) + proofBytes + value.stableProof.length * signedCheckpoint.maxBytes;
}

function contentSize({ checkpoints, prepared, prePrepared }: ViewChangeContent): number {
  return (
    viewChange.content.minBytes +
    checkpoints.length * claimedCheckpoint.maxBytes +
    (prepared.length + prePrepared.length) * CLAIM_BYTES
  );
}

/** Identity of a VIEW-CHANGE: SHA-256, in its own domain, over its content, which is all that it takes. The proof of h is not part of it. */
export function viewChangeDigest(context: CodecContext, value: ViewChangeContent): Digest {
  const writer = new Writer(contentSize(value));
  viewChange.content.write(writer, value);
  return context.digest(DOMAINS.viewChangeDigest, writer.finish());
}
