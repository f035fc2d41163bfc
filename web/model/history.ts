/** What happens rarely and is kept as told: view changes and suspicions. */
import { trimList, trimMap } from './bounded.ts';
import type { StreamEvent } from './stream-event.ts';

export const MAX_VIEW_CHANGES = 50;
export const MAX_SUSPICIONS = 300;

/** One change to a view, as the nodes went through it. */
export interface ViewChange {
  readonly view: number;
  readonly firstUs: number;
  primary: string | undefined;
  /** Who left its view for this one, why and when (µs). */
  readonly left: Map<string, { readonly reason: string; readonly atUs: number }>;
  /** What the new primary starts with; undefined until it has said so. */
  start:
    | { readonly sequence: number; readonly slots: number; readonly nulls: number; readonly atUs: number }
    | undefined;
  /** Who is in it, and since when (µs). */
  readonly entered: Map<string, number>;
}

type ViewEvent = Extract<StreamEvent, { kind: 'view-change-started' | 'new-view-made' | 'view-entered' }>;

/** View changes, oldest first. */
export class ViewChanges {
  readonly list: ViewChange[] = [];

  apply(event: ViewEvent): void {
    const change = this.#change(event.view, event.at_us);
    if (event.kind === 'view-change-started') change.left.set(event.node, { reason: event.reason, atUs: event.at_us });
    else if (event.kind === 'view-entered') {
      change.primary = event.primary;
      change.entered.set(event.node, event.at_us);
    } else {
      const { start, slots, nulls } = event;
      change.start = { sequence: start, slots, nulls, atUs: event.at_us };
    }
  }

  #change(view: number, atUs: number): ViewChange {
    const known = this.list.find((change) => change.view === view);
    if (known !== undefined) return known;
    const change: ViewChange = {
      view,
      firstUs: atUs,
      primary: undefined,
      left: new Map(),
      start: undefined,
      entered: new Map(),
    };
    this.list.push(change);
    this.list.sort((left, right) => left.view - right.view);
    trimList(this.list, MAX_VIEW_CHANGES);
    return change;
  }
}

export type SuspicionSummary = Extract<StreamEvent, { kind: 'suspicion' }>['suspicion'];

/** What nodes say against one node, for one reason. */
export interface Suspicion {
  readonly node: string;
  readonly kind: string;
  readonly certainty: SuspicionSummary['certainty'];
  /** Who says so, with what it last saw. */
  readonly observers: Map<string, SuspicionSummary>;
  /** ms since 1970 (in the lab: virtual). */
  lastSeenMs: number;
}

/** Suspicions by node, kind and certainty; the one that was extended last comes last. */
export class Suspicions {
  readonly byName = new Map<string, Suspicion>();

  /** Takes in what `observer` says; repeated, it only becomes newer. */
  apply(observer: string, summary: SuspicionSummary): void {
    const { node_id: node, kind, certainty } = summary;
    const name = `${node} ${kind} ${certainty}`;
    const known = this.byName.get(name);
    const suspicion = known ?? { node, kind, certainty, observers: new Map(), lastSeenMs: 0 };
    suspicion.observers.set(observer, summary);
    suspicion.lastSeenMs = Math.max(suspicion.lastSeenMs, summary.last_seen_ms);
    this.byName.delete(name);
    this.byName.set(name, suspicion);
    trimMap(this.byName, MAX_SUSPICIONS);
  }

  /** Certain ones first, then the newest. */
  sorted(): readonly Suspicion[] {
    return [...this.byName.values()].toSorted(
      (left, right) =>
        Number(right.certainty === 'certain') - Number(left.certainty === 'certain') ||
        right.lastSeenMs - left.lastSeenMs,
    );
  }

  /** Nodes that somebody is certain about. */
  certainNodes(): ReadonlySet<string> {
    return new Set(
      [...this.byName.values()].filter(({ certainty }) => certainty === 'certain').map(({ node }) => node),
    );
  }
}
