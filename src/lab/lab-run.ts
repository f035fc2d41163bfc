/**
 * One run of the simulator that can be stopped between any two entries of its world's queue, looked into and interfered with. Source and interventions
 * are its identity: the same identity gives the same run, step by step. A seed nobody interferes with is `simulateSeed`'s run, byte for byte.
 */
import type { Result } from '../base/result.ts';
import { ok } from '../base/result.ts';
import { brokenBy } from '../simulation/broken-invariant.ts';
import type { BrokenInvariant } from '../simulation/broken-invariant.ts';
import type { Sha256 } from '../simulation/ideal-authenticator.ts';
import type { SwarmOptions } from '../simulation/options.ts';
import { playLines } from '../simulation/scenario.ts';
import { Scenario } from '../simulation/scenario-commands.ts';
import { ScenarioError } from '../simulation/scenario-faults.ts';
import { Simulation } from '../simulation/simulate.ts';
import type { SimulationModules } from '../simulation/simulate.ts';
import type { World } from '../simulation/world.ts';
import { describeAction } from './action-words.ts';
import { act } from './intervention.ts';
import type { Action, ActionProblem, Intervention } from './intervention.ts';
import type { Happening } from './lab-event.ts';
import { Recorder } from './recorder.ts';

/** What a run is made of: the options of a seed, or a scenario as text. */
export type RunSource =
  | { readonly kind: 'swarm'; readonly options: SwarmOptions }
  | { readonly kind: 'scenario'; readonly text: string };

export interface RunIdentity {
  readonly source: RunSource;
  /** In the order in which they are done. */
  readonly interventions: readonly Intervention[];
}

/** An invariant that does not hold, and the step that broke it. */
export interface BrokenAt extends BrokenInvariant {
  readonly step: number;
}

/** How a run came to its end. */
export type RunEnd =
  /** All of a seed was run. */
  | { readonly kind: 'done' }
  /** A broken invariant ended it. */
  | { readonly kind: 'broken' }
  /** A command of the scenario cannot be carried out as things stand. */
  | { readonly kind: 'script'; readonly message: string; readonly line: number | undefined }
  /** Nothing will ever happen again: all nodes are down. */
  | { readonly kind: 'silent' };

export interface RunModules {
  readonly sha256?: Sha256 | undefined;
  readonly onTrace?: ((line: string) => void) | undefined;
  /** Told of everything that happens, unless the recorder is muted. */
  readonly onHappening?: ((happening: Happening) => void) | undefined;
  /** Up to this step nobody is told of anything: a run that was seen before is made again. */
  readonly mutedUpTo?: number | undefined;
}

/** The text has no cluster, or more than one: the lab shows exactly one world. */
const ONE_WORLD = 'a run of the lab has one "> cluster", or one "> swarm" with its "> verdict"';

/** By the replicas themselves, and where a node starts. */
const ALWAYS_JUDGED = ['assertion', 'exception', 'durability'];

export class LabRun {
  readonly #source: RunSource;
  #interventions: readonly Intervention[];
  readonly #modules: RunModules;
  readonly #play: Generator<unknown, void>;
  readonly #broken: BrokenAt[] = [];
  readonly #undone: { readonly intervention: Intervention; readonly problem: ActionProblem }[] = [];
  #scenario: Scenario | undefined;
  #simulation: Simulation | undefined;
  #world: World | undefined;
  #recorder: Recorder | undefined;
  #step = 0;
  #next = 0;
  #line: number | undefined;
  #isScriptOver = false;
  #end: RunEnd | undefined;

  constructor(identity: RunIdentity, modules: RunModules = {}) {
    this.#source = identity.source;
    this.#interventions = identity.interventions;
    this.#modules = modules;
    this.#play = this.#make();
    this.#resume();
    this.#interfere();
  }

  /** How many entries of the queue have been taken. */
  get step(): number {
    return this.#step;
  }

  get world(): World | undefined {
    return this.#world;
  }

  /** Virtual µs. */
  get timeUs(): number {
    return this.#world?.time ?? 0;
  }

  /** Of the scenario: the command under way, from 1. */
  get line(): number | undefined {
    return this.#line;
  }

  /** All commands of the scenario are carried out; the world goes on. */
  get isScriptOver(): boolean {
    return this.#isScriptOver;
  }

  /** Undefined while there is something to come. */
  get end(): RunEnd | undefined {
    return this.#end;
  }

  /** Every invariant that was seen broken, the first one first. */
  get broken(): readonly BrokenAt[] {
    return this.#broken;
  }

  /** The invariants that are judged here: a broken one would be told. */
  get judged(): ReadonlySet<string> {
    const atEnd = (this.#simulation ?? this.#scenario?.simulation)?.judgedAtEnd ?? [];
    return new Set([...ALWAYS_JUDGED, ...(this.#world?.audience.judged ?? []), ...atEnd]);
  }

  /** It ends with a verdict on all of it, as seeds do. */
  get isSeed(): boolean {
    return this.#source.kind === 'swarm' || this.#scenario?.isSwarm === true;
  }

  /** Interventions of the identity that could not be done. */
  get undone(): readonly { readonly intervention: Intervention; readonly problem: ActionProblem }[] {
    return this.#undone;
  }

  get traceHash(): string {
    return this.#world?.trace.hash ?? '';
  }

  get recorder(): Recorder | undefined {
    return this.#recorder;
  }

  /** T of the nodes, µs. */
  get requestTimeoutUs(): number {
    return this.#simulation?.options.tuning.requestTimeoutUs ?? this.#scenario?.scene?.requestTimeoutUs ?? 0;
  }

  /** Takes one entry of the queue; false when the run is at its end. */
  advance(): boolean {
    if (this.#end !== undefined) return false;
    this.#step += 1;
    this.#mark();
    this.#resume();
    this.#interfere();
    return true;
  }

  /** Goes on until so many entries have been taken, or the run ends. Never back. */
  runTo(step: number): void {
    while (this.#step < step && this.advance());
  }

  /** What was done by hand up to here, and what is to be done later. */
  get interventions(): readonly Intervention[] {
    return this.#interventions;
  }

  /** Does it here and now; whatever was to be done later is not: the run is another one from here on. */
  interfere(action: Action): Result<undefined, ActionProblem> {
    const done = this.#tryTo(action);
    if (!done.ok) return done;
    this.#interventions = [...this.#interventions.slice(0, this.#next), { at: this.#step, action }];
    this.#next += 1;
    return done;
  }

  #tryTo(action: Action): Result<undefined, ActionProblem> {
    return this.#guarded(() => this.#act(action)) ?? ok(undefined);
  }

  #act(action: Action): Result<undefined, ActionProblem> {
    const { world } = this;
    if (world === undefined) return ok(undefined);
    const done = act({ world, scene: this.#scenario?.scene, requestTimeoutUs: this.requestTimeoutUs }, action);
    if (done.ok) this.#recorder?.note({ kind: 'by-hand', what: describeAction(action) });
    return done;
  }

  /** What the identity says is done at this step. */
  #interfere(): void {
    for (;;) {
      const next = this.#interventions[this.#next];
      if (next?.at !== this.#step) return;
      this.#next += 1;
      const done = this.#tryTo(next.action);
      if (!done.ok) this.#undone.push({ intervention: next, problem: done.error });
    }
  }

  #mark(): void {
    if (this.#recorder === undefined) return;
    this.#recorder.step = this.#step;
    this.#recorder.isMuted = this.#isMuted;
  }

  get #isMuted(): boolean {
    return this.#modules.onHappening === undefined || this.#step <= (this.#modules.mutedUpTo ?? -1);
  }

  #resume(): void {
    this.#guarded(() => {
      const { done, value } = this.#play.next();
      if (typeof value === 'number') this.#line = value;
      if (done === true) this.#end ??= { kind: 'done' };
    });
  }

  /** A broken invariant or an impossible command is the run's end; anything else is a fault of the simulator's own. */
  #guarded<Made>(make: () => Made): Made | undefined {
    try {
      return make();
    } catch (error) {
      const violation = brokenBy(error);
      if (violation !== undefined) {
        this.#break(violation);
        this.#end = { kind: 'broken' };
      } else if (error instanceof ScenarioError) {
        this.#end = { kind: 'script', message: error.message, line: error.line };
      } else {
        throw error;
      }
      return undefined;
    }
  }

  /** Each is told once: what comes of it may be seen by more than one checker. */
  #break({ invariant, message }: BrokenInvariant): void {
    if (this.#broken.some((known) => known.invariant === invariant)) return;
    this.#broken.push({ invariant, message, step: this.#step });
    this.#recorder?.note({ kind: 'invariant-broken', invariant, message });
  }

  *#make(): Generator<unknown, void> {
    const source = this.#source;
    const { sha256, onTrace } = this.#modules;
    const modules: SimulationModules = {
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(onTrace === undefined ? {} : { onTrace }),
      onWorld: (world) => this.#adopt(world),
    };
    if (source.kind === 'swarm') {
      this.#simulation = new Simulation(source.options, modules);
      yield* this.#playSeed(this.#simulation);
      return;
    }
    const onViolation = (violation: BrokenInvariant): void => this.#break(violation);
    this.#scenario = new Scenario({ ...modules, onViolation }, false);
    yield* playLines(source.text, this.#scenario, []);
    const { violation } = this.#scenario;
    if (violation !== undefined) this.#break(violation);
    this.#isScriptOver = true;
    if (this.#scenario.scene === undefined) {
      if (this.#world === undefined) throw new ScenarioError(ONE_WORLD);
      return;
    }
    yield* this.#goOn();
  }

  *#playSeed(simulation: Simulation): Generator<unknown, void> {
    const { violation } = yield* simulation.playToReport();
    this.#isScriptOver = true;
    if (violation === undefined) return;
    this.#break(violation);
    this.#end = { kind: 'broken' };
  }

  /** For as long as anything happens. */
  *#goOn(): Generator<unknown, void> {
    for (;;) {
      const next = this.#world?.nextTime;
      if (this.#world === undefined || next === undefined) break;
      yield* this.#world.walk(() => false, next);
    }
    this.#end = { kind: 'silent' };
  }

  #adopt(world: World): void {
    if (this.#world !== undefined) throw new ScenarioError(ONE_WORLD);
    this.#world = world;
    this.#recorder = new Recorder(world, this.#isMuted, (happening) => this.#modules.onHappening?.(happening));
    this.#recorder.step = this.#step;
    world.addObserver(this.#recorder);
  }
}
