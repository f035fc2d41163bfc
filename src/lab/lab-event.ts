/**
 * What happens in a run of the lab: the events of the stream (src/api/events.ts), and what only somebody who sees everything can tell. Plain data. In
 * all of them `at_us` is virtual, and `id` is `<step>-<place within the step>`, the same in every run of one identity.
 */
import type { MessageSummary, StreamEvent } from '../api/events.ts';
import type { FrameLoss } from '../simulation/observer.ts';

interface Head {
  readonly id: string;
  /** `node1` …, `client:<8 hex>`, or `lab` for what befalls no single party. */
  readonly node: string;
  readonly at_us: number;
}

/** Events that no server can tell. */
export type LabOnlyEvent = Head &
  (
    | { readonly kind: 'message-lost'; readonly to: string; readonly message: MessageSummary; readonly why: FrameLoss }
    /** It has lost its power; `point`: at which moment. */
    | { readonly kind: 'crashed'; readonly point: string }
    | { readonly kind: 'disk-lost' }
    | { readonly kind: 'paused'; readonly paused: boolean }
    /** A client knows how its request ended; `result`: as text. `nodes`: whose replies match. */
    | {
        readonly kind: 'answered';
        readonly request_digest: string;
        readonly outcome: string;
        readonly sequence: number | null;
        readonly result: string;
        readonly nodes: readonly string[];
      }
    | { readonly kind: 'invariant-broken'; readonly invariant: string; readonly message: string }
    /** Somebody interfered; `what` in words. */
    | { readonly kind: 'by-hand'; readonly what: string }
  );

export type LabEvent = StreamEvent | LabOnlyEvent;
export type LabEventKind = LabEvent['kind'];

/** An event, and the step that brought it: how many entries of the world's queue had been taken with it. 0: before the first. */
export interface Happening {
  readonly step: number;
  readonly event: LabEvent;
}
