/**
 * The page's side of the lab: which run is open, how it stands, and the picture of what happened. Owns the Worker and the order under way; components
 * read `view` and call its methods.
 */
import { signal } from '@preact/signals';
import type { Action } from '../../src/lab/intervention.ts';
import type { Happening, LabEvent, LabOnlyEvent } from '../../src/lab/lab-event.ts';
import { isLink } from '../../src/lab/link-fragment.ts';
import type { Pattern } from '../../src/lab/pattern.ts';
import { Picture } from '../model/picture.ts';
import { MOST_KEPT } from './worker-messages.ts';
import type { FromWorker, Order, RunTitle, Standing, ToWorker } from './worker-messages.ts';

export type LabStage =
  /** The Worker has not answered yet. */
  | { readonly kind: 'loading' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'run'; readonly opened: RunTitle };

export interface LabView {
  readonly stage: LabStage;
  readonly standing: Standing | undefined;
  /** Grows with everything that is to be drawn anew. */
  readonly version: number;
  readonly isPlaying: boolean;
  /** Virtual ms in a second. */
  readonly speed: number;
  /** The furthest step that was seen of this run. */
  readonly furthest: number;
  /** So many of the oldest happenings are not kept. */
  readonly forgotten: number;
}

export const SPEEDS: readonly number[] = [1, 3, 10, 50, 500];
const FIRST_SPEED = 3;
/** Pauses in which nothing happens are not waited for longer than this, in virtual µs. */
const LONGEST_WAIT_US = 3000;

const START: LabView = {
  stage: { kind: 'loading' },
  standing: undefined,
  version: 0,
  isPlaying: false,
  speed: FIRST_SPEED,
  furthest: 0,
  forgotten: 0,
};

export class LabStore {
  readonly view = signal<LabView>(START);
  /** The step that an order under way has come to; undefined: none takes long. Apart from the view, of which nothing else changes with it. */
  readonly progress = signal<number | undefined>(undefined);
  /** Of the run; made anew when it goes back. */
  picture: Picture | undefined;
  happenings: Happening[] = [];
  readonly #makeWorker: () => Worker;
  #worker: Worker | undefined;
  #number = 0;
  /** The order that opened this run. */
  #opening = 0;
  /** Orders without an answer. */
  #open = 0;
  #frame: number | undefined;
  #frameAt = 0;
  #budgetUs = 0;
  #onTrace: ((text: string) => void) | undefined;

  constructor(makeWorker: () => Worker) {
    this.#makeWorker = makeWorker;
  }

  /** Begins with what the address says, and follows it. Returns what ends it. */
  begin(): () => void {
    this.#startWorker();
    const onHash = (): void => {
      // A place in the page is no run: whoever goes there keeps theirs.
      if (location.hash.length < 2 || isLink(location.hash)) this.openAddress();
    };
    addEventListener('hashchange', onHash);
    return () => {
      removeEventListener('hashchange', onHash);
      this.pause();
      this.#worker?.terminate();
    };
  }

  #startWorker(): void {
    this.#worker?.terminate();
    this.#open = 0;
    const worker = this.#makeWorker();
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => this.#hear(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail(event.message === '' ? 'the Worker could not be loaded' : event.message);
    });
  }

  /** After a failure: another Worker, and the run from its beginning. */
  restart(): void {
    this.#set({ ...START, speed: this.view.value.speed });
    this.#startWorker();
  }

  openAddress(): void {
    this.pause();
    this.picture = undefined;
    this.happenings = [];
    const { speed } = this.view.value;
    const fragment = location.hash;
    if (!isLink(fragment)) {
      this.#set({ ...START, speed, stage: { kind: 'nothing' } });
      return;
    }
    this.#set({ ...START, speed });
    this.#send({ kind: 'open', fragment });
    this.#opening = this.#number;
  }

  seek(step: number): void {
    this.pause();
    this.#send({ kind: 'seek', step: Math.max(0, step) });
  }

  /** One step on, or (negative) back. */
  step(by: number): void {
    this.seek((this.view.value.standing?.sight.step ?? 0) + by);
  }

  nextEvent(pattern: Pattern): void {
    this.pause();
    this.#send({ kind: 'next-event', pattern });
  }

  toEnd(): void {
    this.pause();
    this.#send({ kind: 'end' });
  }

  act(action: Action): void {
    this.pause();
    this.#send({ kind: 'act', action });
  }

  undo(): void {
    this.pause();
    this.#send({ kind: 'undo' });
  }

  /** Shows one way to win the challenge. */
  solve(): void {
    this.pause();
    this.#send({ kind: 'solve' });
  }

  stop(): void {
    this.pause();
    this.#send({ kind: 'stop' });
  }

  /** Every line of the run up to here. */
  trace(onTrace: (text: string) => void): void {
    this.pause();
    this.#onTrace = onTrace;
    this.#send({ kind: 'trace' });
  }

  setSpeed(speed: number): void {
    this.#set({ speed });
  }

  play(): void {
    if (this.view.value.isPlaying || this.view.value.standing?.isAtEnd !== false) return;
    this.#set({ isPlaying: true });
    this.#frameAt = performance.now();
    this.#budgetUs = 0;
    this.#frame = requestAnimationFrame((at) => this.#onFrame(at));
  }

  pause(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    if (this.view.value.isPlaying) this.#set({ isPlaying: false });
  }

  /** The address of exactly what is seen. */
  link(): string {
    const { standing } = this.view.value;
    return standing === undefined ? '' : `#${standing.link}`;
  }

  #onFrame(at: number): void {
    const { standing, speed } = this.view.value;
    this.#frame = requestAnimationFrame((next) => this.#onFrame(next));
    if (standing === undefined) return;
    this.#budgetUs += Math.min(100, at - this.#frameAt) * speed;
    this.#frameAt = at;
    const { nextAtUs, timeUs } = standing.sight;
    const waitUs = Math.min(LONGEST_WAIT_US, (nextAtUs ?? timeUs) - timeUs);
    if (this.#open > 0 || this.#budgetUs < waitUs) return;
    this.#send({ kind: 'pass', us: this.#budgetUs });
    this.#budgetUs = 0;
  }

  #send(order: Order): void {
    this.#number += 1;
    this.#open += 1;
    const message: ToWorker = { number: this.#number, order };
    this.#worker?.postMessage(message);
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'ready') {
      this.openAddress();
      return;
    }
    if (message.kind === 'progress') {
      this.progress.value = message.step;
      return;
    }
    if (message.kind === 'opened') {
      if (message.number === this.#opening) this.#set({ stage: { kind: 'run', opened: message.title } });
      return;
    }
    this.#open -= 1;
    // What was asked of a run that is not open any more.
    if (message.number < this.#opening) return;
    if (message.kind === 'trace') this.#onTrace?.(message.text);
    else if (message.kind === 'failed') this.#fail(message.message);
    else if (message.kind === 'refused') this.#set({ stage: message });
    else this.#take(message.standing);
  }

  #fail(message: string): void {
    this.pause();
    this.progress.value = undefined;
    this.#set({ stage: { kind: 'failed', message } });
  }

  #take(standing: Standing): void {
    const { furthest } = this.view.value;
    if (this.#open === 0) this.progress.value = undefined;
    const forgotten = this.#remember(standing);
    const { step } = standing.sight;
    this.#set({
      standing,
      forgotten,
      furthest: Math.max(step, furthest),
    });
    if (standing.isAtEnd) this.pause();
  }

  /** How many of the oldest are not kept. */
  #remember({ sight, from, isAnew, fresh }: Standing): number {
    const { forgotten } = this.view.value;
    const kept = isAnew ? 0 : from - forgotten;
    if (kept < this.happenings.length || this.picture === undefined) {
      this.happenings = this.happenings.slice(0, kept);
      this.picture = newPicture(sight);
      for (const { event } of this.happenings) applyTo(this.picture, event);
    }
    for (const happening of fresh) {
      this.happenings.push(happening);
      applyTo(this.picture, happening.event);
    }
    const tooMany = Math.max(0, this.happenings.length - MOST_KEPT);
    if (tooMany > 0) this.happenings.splice(0, tooMany);
    return (isAnew ? from : forgotten) + tooMany;
  }

  #set(change: Partial<LabView>): void {
    const before = this.view.value;
    this.view.value = { ...before, version: before.version + 1, ...change };
  }
}

function newPicture({ cluster, nodes }: Standing['sight']): Picture {
  const names = [...new Set(nodes.map(({ node }) => node))];
  return new Picture({ nodes: names, faultLimit: cluster?.faultLimit ?? 0, quorum: cluster?.quorum ?? 1 });
}

const LAB_ONLY: readonly string[] = [
  'message-lost',
  'crashed',
  'disk-lost',
  'paused',
  'answered',
  'invariant-broken',
  'by-hand',
] satisfies readonly LabOnlyEvent['kind'][];

function isLabOnly(event: LabEvent): event is LabOnlyEvent {
  return LAB_ONLY.includes(event.kind);
}

function applyTo(picture: Picture, event: LabEvent): void {
  if (!isLabOnly(event)) picture.apply(event);
  else if (event.kind === 'message-lost') picture.dropMessage(event.message.id, event.node, event.to);
}
