/**
 * What the page and its Worker say to each other. Every order has a number and is answered once, in order; while one that takes long is under way the
 * Worker tells how far it is, and a newer order ends it where it stands.
 */
import type { Action, Intervention } from '../../src/lab/intervention.ts';
import type { Happening } from '../../src/lab/lab-event.ts';
import type { Pattern } from '../../src/lab/pattern.ts';
import type { Score } from '../../src/lab/challenge.ts';
import type { RunSight } from '../../src/lab/sight.ts';

export type Order =
  /** The run that a link leads to; with or without the `#`. */
  | { readonly kind: 'open'; readonly fragment: string }
  | { readonly kind: 'seek'; readonly step: number }
  /** So many virtual µs on; at least one step. */
  | { readonly kind: 'pass'; readonly us: number }
  /** On to the first event that fits behind the first `from` of all that happened; no step if it is there already. */
  | { readonly kind: 'next-event'; readonly pattern: Pattern; readonly from: number }
  /** To the end of the scenario's commands, or of the run. */
  | { readonly kind: 'end' }
  | { readonly kind: 'act'; readonly action: Action }
  | { readonly kind: 'undo' }
  /** The challenge from its beginning, and won. */
  | { readonly kind: 'solve' }
  /** Every line of the run up to here, as text. */
  | { readonly kind: 'trace' }
  /** Ends what is under way. */
  | { readonly kind: 'stop' };

/** What is open, in short. */
export interface RunTitle {
  readonly title: string;
  /** Of the link. */
  readonly build: string;
  /** Name of the told scenario; undefined for all else. */
  readonly told: string | undefined;
  readonly isChallenge: boolean;
  /** Of the scenario; undefined for a seed. */
  readonly text: string | undefined;
}

export interface ToWorker {
  readonly number: number;
  readonly order: Order;
}

/** How the run stands after an order. */
export interface Standing {
  readonly sight: RunSight;
  readonly interventions: readonly Intervention[];
  /** Where `fresh` begins in the list of all that happened. What the page has before it stays, unless `isAnew`; what it has from there on goes. */
  readonly from: number;
  /** Nothing of what the page has stays: what is before `fresh` is not told, since nobody could look at it all. */
  readonly isAnew: boolean;
  /** What happened from there on, in order. */
  readonly fresh: readonly Happening[];
  readonly score: Score | undefined;
  readonly isAtEnd: boolean;
  readonly isFull: boolean;
  /** To exactly this, without the `#`. */
  readonly link: string;
  /** Why the order was not, or not wholly, carried out. */
  readonly problem: string | undefined;
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'opened'; readonly number: number; readonly title: RunTitle }
  | { readonly kind: 'refused'; readonly number: number; readonly problems: readonly string[] }
  | { readonly kind: 'standing'; readonly number: number; readonly standing: Standing }
  | { readonly kind: 'progress'; readonly number: number; readonly step: number }
  /** `text` undefined: a newer order ended it. */
  | { readonly kind: 'trace'; readonly number: number; readonly text: string | undefined }
  /** A fault of the lab itself. */
  | { readonly kind: 'failed'; readonly number: number; readonly message: string };

/** Happenings that are told at once at most. */
export const MOST_TOLD = 20_000;
/** Happenings that the page keeps: the newest. */
export const MOST_KEPT = 60_000;
