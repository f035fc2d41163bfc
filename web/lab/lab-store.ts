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
/** An order without an answer for so long takes long, in ms. */
const LONG_MS = 300;
/** A Worker that does not hear an order for so long will not hear it soon, in ms. */
const PATIENCE_MS = 1000;

const START: LabView = {
  stage: { kind: 'loading' },
  standing: undefined,
  version: 0,
  isPlaying: false,
  speed: FIRST_SPEED,
  furthest: 0,
  forgotten: 0,
};

type Timer = ReturnType<typeof setTimeout> | undefined;

export class LabStore {
  readonly view = signal<LabView>(START);
  /** The order under way takes long; `step`: it has come to this one. Apart from the view, of which nothing else changes with it. */
  readonly work = signal<{ readonly step: number | undefined } | undefined>(undefined);
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
  #longTimer: Timer;
  /** The order that the Worker has to hear before its time is up. */
  #awaited = 0;
  #patienceTimer: Timer;
  /** The order to go to a step that has no answer yet, and where somebody wants to be: only the newest wish is sent when it has. */
  #seeking: { readonly number: number; readonly step: number; readonly wanted: number } | undefined;
  /** What is opened when the Worker is there, instead of what the address says. */
  #resumed: string | undefined;
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
      if (location.hash.length >= 2 && !isLink(location.hash)) return;
      this.#resumed = undefined;
      this.openAddress();
    };
    addEventListener('hashchange', onHash);
    return () => {
      removeEventListener('hashchange', onHash);
      this.pause();
      this.#dropWorker();
    };
  }

  #startWorker(): void {
    this.#dropWorker();
    const worker = this.#makeWorker();
    this.#worker = worker;
    // One that was dropped may have spoken before.
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (worker === this.#worker) this.#hear(data);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (worker === this.#worker) this.#fail(event.message === '' ? 'the Worker could not be loaded' : event.message);
    });
  }

  /** Whatever it was to do is not done. The next run that is opened has another one. */
  #dropWorker(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#open = 0;
    this.#rest();
    clearTimeout(this.#patienceTimer);
  }

  /** No order is under way. */
  #rest(): void {
    clearTimeout(this.#longTimer);
    this.#longTimer = undefined;
    this.#seeking = undefined;
    this.work.value = undefined;
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
    const fragment = this.#resumed ?? location.hash;
    if (!isLink(fragment)) {
      this.#abandon();
      this.#set({ ...START, speed, stage: { kind: 'nothing' } });
      return;
    }
    this.#set({ ...START, speed });
    if (this.#worker === undefined) {
      // It says when it is there.
      this.#startWorker();
      return;
    }
    this.#resumed = undefined;
    const isBusy = this.#open > 0;
    this.#send({ kind: 'open', fragment });
    this.#opening = this.#number;
    if (isBusy) this.#await(this.#number);
  }

  /** Nobody looks at the run any more, nor waits for what is still said of it. */
  #abandon(): void {
    if (this.#open > 0) {
      this.#send({ kind: 'stop' });
      this.#await(this.#number);
    }
    this.#number += 1;
    this.#opening = this.#number;
  }

  seek(step: number): void {
    this.pause();
    const wanted = Math.max(0, step);
    if (this.#seeking === undefined) this.#sendSeek(wanted);
    else this.#seeking = { ...this.#seeking, wanted };
  }

  #sendSeek(step: number): void {
    this.#send({ kind: 'seek', step });
    this.#seeking = { number: this.#number, step, wanted: step };
  }

  /** One step on, or (negative) back. */
  step(by: number): void {
    this.seek((this.#seeking?.wanted ?? this.view.value.standing?.sight.step ?? 0) + by);
  }

  /** From what is seen here: asked for twice before the first answer it goes no further than asked for once. */
  nextEvent(pattern: Pattern): void {
    this.pause();
    this.#send({ kind: 'next-event', pattern, from: this.view.value.forgotten + this.happenings.length });
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
    this.#await(this.#number);
  }

  /** The Worker has to say something of this order or a later one soon: a single step of a run may last for ever, and nothing is heard within one. */
  #await(number: number): void {
    this.#awaited = number;
    clearTimeout(this.#patienceTimer);
    this.#patienceTimer = setTimeout(() => this.#giveUp(), PATIENCE_MS);
  }

  /** Another Worker. What was open is opened again where it stood last. */
  #giveUp(): void {
    const { stage, standing } = this.view.value;
    if (stage.kind === 'run' && standing === undefined) {
      this.#fail('A step of this run took too long: it was ended.');
      return;
    }
    this.#dropWorker();
    if (stage.kind === 'run') this.#resumed = this.link();
    if (stage.kind === 'run' || stage.kind === 'loading') this.openAddress();
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
    if (this.#worker === undefined) return;
    this.#number += 1;
    this.#open += 1;
    this.#seeking = undefined;
    this.#longTimer ??= setTimeout(() => {
      this.work.value ??= { step: undefined };
    }, LONG_MS);
    const message: ToWorker = { number: this.#number, order };
    this.#worker.postMessage(message);
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'ready') {
      this.openAddress();
      return;
    }
    if (message.number >= this.#awaited) clearTimeout(this.#patienceTimer);
    if (message.kind === 'progress') {
      if (message.number >= this.#opening) this.work.value = { step: message.step };
      return;
    }
    if (message.kind === 'opened') {
      if (message.number === this.#opening) this.#set({ stage: { kind: 'run', opened: message.title } });
      return;
    }
    this.#open -= 1;
    const seeking = this.#seeking?.number === message.number ? this.#seeking : undefined;
    if (this.#open === 0) this.#rest();
    // What was asked of a run that is not open any more.
    if (message.number < this.#opening) return;
    if (message.kind === 'trace') {
      if (message.text !== undefined) this.#onTrace?.(message.text);
    } else if (message.kind === 'failed') this.#fail(message.message);
    else if (message.kind === 'refused') this.#set({ stage: message });
    else this.#take(message.standing);
    if (seeking !== undefined && seeking.wanted !== seeking.step) this.#sendSeek(seeking.wanted);
  }

  #fail(message: string): void {
    this.pause();
    this.#dropWorker();
    this.#set({ stage: { kind: 'failed', message } });
  }

  #take(standing: Standing): void {
    const { furthest } = this.view.value;
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
  return new Picture({
    nodes: names,
    faultLimit: cluster?.faultLimit ?? 0,
    quorum: cluster?.quorum ?? 1,
    prepares: cluster?.prepares ?? 0,
  });
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
