/**
 * What a replica writes down before it speaks, so that after a restart it still knows all it told others [PROTOCOL: durability].
 * The states of its checkpoints are kept beside, by the state itself (base/key-value.ts). `Replica.records()` is the shortest list from which a restart gives the same replica; the log may be rewritten to it at any time.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, Sequence, View } from '../base/ids.ts';
import type { Batch, SignedCheckpoint, SignedNewView, SignedViewChange } from '../messages/index.ts';
import type { Suspicion } from './suspicion.ts';

export type Record =
  /** A PRE-PREPARE accepted (backup) or made (primary), with its body: before PREPARE or PRE-PREPARE leaves, where syncs overlap before PREPARE. The Q entry (n, d, v). */
  | {
      readonly kind: 'accepted';
      readonly view: View;
      readonly sequence: Sequence;
      readonly digest: Digest;
      /** undefined for the null batch, and where an earlier record holds it. */
      readonly batch: Batch | undefined;
      /** The primary's signature in signature mode. */
      readonly signature: Bytes | undefined;
    }
  /** The primary of this view begins to propose in it, and does so before its votes are on disk (proposing.ts): after a restart it may not go on there. */
  | { readonly kind: 'proposes'; readonly view: View }
  /** prepared(v, n, d) holds: before COMMIT leaves. The P entry (n, d, v). */
  | { readonly kind: 'prepared'; readonly view: View; readonly sequence: Sequence; readonly digest: Digest }
  /**
   * The batch was executed here; a hint that spares asking again. Nothing depends on it but, with `isBinding`, the replies to its requests (read-only.ts).
   * `batch`: the body when no accepted one holds it.
   */
  | {
      readonly kind: 'executed';
      readonly view: View;
      readonly sequence: Sequence;
      readonly digest: Digest;
      readonly batch: Batch | undefined;
      readonly isBinding?: boolean;
    }
  /** A stable checkpoint's proof, q signed CHECKPOINTs. */
  | {
      readonly kind: 'stable';
      readonly sequence: Sequence;
      readonly root: Digest;
      readonly proof: readonly SignedCheckpoint[];
      /** False: the state is still behind, and will be fetched. */
      readonly hasState: boolean;
    }
  /** The view was left for a higher one: before VIEW-CHANGE leaves. From then on no vote for a lower view. */
  | { readonly kind: 'view-change'; readonly viewChange: SignedViewChange }
  /** The view was entered by this NEW-VIEW, whose start is the floor: before the first message in it. */
  | { readonly kind: 'new-view'; readonly newView: SignedNewView }
  /** This replica lost its log and asks under `nonce` what it voted on: before it asks, and again with each thing it comes to know (lost-votes.ts). The last one holds. */
  | {
      readonly kind: 'recovery';
      readonly nonce: Digest;
      readonly mark: Sequence | undefined;
      readonly session: number | undefined;
      readonly barred: View | undefined;
    }
  /** A certain suspicion: evidence survives a restart. */
  | { readonly kind: 'suspicion'; readonly suspicion: Suspicion };

/** True when what comes behind the record must wait for it; an `executed` record mostly spares asking again, and no more. */
export function isBarrier(record: Record): boolean {
  return record.kind !== 'executed' || record.isBinding === true;
}
