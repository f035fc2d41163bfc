/**
 * The commands of scenarios, carried out one entry of the world's queue at a time, so that somebody may look and interfere between any two.
 * docs/simulator.md lists the commands.
 */
import { isBehaviourName } from '../byzantine/index.ts';
import { MAX_NUMBER, replicaName } from '../base/ids.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { decodeFrame } from '../messages/index.ts';
import { describeBroken } from './broken-invariant.ts';
import type { BrokenInvariant } from './broken-invariant.ts';
import { shortDigest } from './describe.ts';
import { CRASH_PHASES, DISK_EFFECTS, RELEASES, VERSION_PHASES } from './crash-trap.ts';
import type { SimulatedNode } from './node.ts';
import type { SwarmOptions } from './options.ts';
import { isTroubleCommand, nodeNamed, ScenarioError, troubleWorld } from './scenario-faults.ts';
import { ScenarioRecord } from './scenario-record.ts';
import { clusterOptions, countOf, microseconds, parseJson, parseSwarm } from './scenario-words.ts';
import { ScenarioWorld } from './scenario-world.ts';
import type { ScenarioModules } from './scenario-world.ts';
import { Simulation } from './simulate.ts';

/** What `verdict` prints when all is well. */
export const NO_VIOLATION = 'no violation';

/** What is said to a command that needs a world. */
const NO_WORLD = 'a scenario begins with "> cluster"';

/** Requests of one client that `load` asks for at most. */
const MOST_LOAD = 10_000;

/** Owns the world of one scenario, and what its commands have not printed yet. */
export class Scenario {
  readonly #modules: ScenarioModules;
  readonly #isRecorded: boolean;
  #scene: ScenarioWorld | undefined;
  #record: ScenarioRecord | undefined;
  #answersShown = 0;
  #swarm: SwarmOptions | undefined;
  #simulation: Simulation | undefined;
  /** What the latest `verdict` that was not good said. */
  violation: BrokenInvariant | undefined;

  /** `isRecorded` false: what `flow`, `events` and `diagram` would print is not kept, and they print nothing. */
  constructor(modules: ScenarioModules, isRecorded = true) {
    this.#modules = modules;
    this.#isRecorded = isRecorded;
  }

  get isSwarm(): boolean {
    return this.#swarm !== undefined;
  }

  get #world(): ScenarioWorld {
    if (this.#scene === undefined) throw new ScenarioError(NO_WORLD);
    return this.#scene;
  }

  #recorded(take: (record: ScenarioRecord) => readonly string[]): readonly string[] {
    if (this.#scene === undefined) throw new ScenarioError(NO_WORLD);
    return this.#record === undefined ? [] : take(this.#record);
  }

  /** The world that the last `cluster` made; undefined before. */
  get scene(): ScenarioWorld | undefined {
    return this.#scene;
  }

  /** The run that the last `verdict` judges; undefined before. */
  get simulation(): Simulation | undefined {
    return this.#simulation;
  }

  /** Carries it out, one entry of the world's queue at a time; returns what it prints. */
  *command(line: string): Generator<void, readonly string[]> {
    const words = line.split(/\s+/);
    const [name = '', first = '', ...rest] = words;
    switch (name) {
      case 'cluster':
        return this.#build(words.slice(1));
      case 'swarm':
        this.#swarm = parseSwarm(line.slice(name.length));
        return [];
      case 'verdict':
        return yield* this.#judge();
      case 'request':
      case 'read':
        return this.#request(name, first, line.slice(line.indexOf(first) + first.length));
      case 'load':
        return this.#load(words.slice(1));
      case 'twins':
        return this.#split(words.slice(1));
      case 'run':
        return yield* this.#run(words.slice(1));
      case 'drop':
        return this.#drop(words.slice(1));
      case 'behave':
        return this.#behave(first, rest);
      case 'crash':
        return this.#crash(this.#node(first), rest);
      case 'lose-disk':
        this.#world.world.loseDisk(this.#upNode(first));
        return [];
      case 'start':
        return this.#startNode(this.#node(first));
      case 'flow':
        return this.#recorded((record) => record.flow(words.slice(1)));
      case 'events':
        return this.#recorded((record) => record.events(words.slice(1)));
      case 'diagram':
        return this.#recorded((record) => record.diagram(words.slice(1)));
      case 'answers':
        return this.#answers();
      case 'suspicions':
        return this.#suspicions();
      case 'status':
        return this.#world.world.nodes.map(describeNode);
      default:
        if (!isTroubleCommand(name)) throw new ScenarioError(`"${line}": no such command`);
        troubleWorld(this.#world.world, name, words.slice(1));
        return [];
    }
  }

  #build(words: readonly string[]): readonly string[] {
    const options = clusterOptions(words);
    this.#scene = new ScenarioWorld(options, this.#modules);
    if (this.#isRecorded) this.#record = new ScenarioRecord(this.#scene.world);
    return [];
  }

  /** Runs the swarm, from its start to its end. */
  *#judge(): Generator<void, readonly string[]> {
    if (this.#swarm === undefined) throw new ScenarioError('"> verdict" judges the "> swarm {…}" before it');
    // A seed ends where it breaks an invariant.
    const { onViolation: _ignored, ...modules } = this.#modules;
    const simulation = new Simulation(this.#swarm, modules);
    this.#simulation = simulation;
    const { violation } = yield* simulation.playToReport();
    this.violation = violation ?? this.violation;
    return [violation === undefined ? NO_VIOLATION : describeBroken(violation)];
  }

  /** `10ms`, `until answered`, `until executed 8`. */
  *#run(words: readonly string[]): Generator<void, readonly string[]> {
    const scene = this.#world;
    if (words[0] !== 'until') {
      yield* scene.walk(microseconds(words[0] ?? ''));
      return [];
    }
    return (yield* this.#runUntil(words[1] ?? '', words[2] ?? '')) ? [] : ['it does not come to that'];
  }

  *#runUntil(what: string, count: string): Generator<void, boolean> {
    const scene = this.#world;
    if (what === 'answered') return yield* scene.walkUntilAnswered();
    if (what !== 'executed') throw new ScenarioError(`"until ${what}": until answered, or until executed and a number`);
    const sequence = countOf(count, MAX_NUMBER, 'what follows executed');
    return yield* scene.walkUntil(() => scene.correctNodes().every((node) => node.status.lastExecuted >= sequence));
  }

  /** `commit from node1 to node3 times 1`: such messages are lost, so often, or for ever. */
  #drop(words: readonly string[]): readonly string[] {
    const after = (name: string): string | undefined =>
      words.includes(name) ? words[words.indexOf(name) + 1] : undefined;
    const [type] = words;
    const address = (name: string): string | undefined =>
      words.includes(name) ? this.#address(after(name) ?? '') : undefined;
    const from = address('from');
    const to = address('to');
    const times = after('times');
    let left = times === undefined ? Infinity : countOf(times, MAX_NUMBER, 'what follows times');
    const { world } = this.#world;
    world.network.addRule((sender, receiver, frame) => {
      if (left <= 0 || (from !== undefined && sender !== from) || (to !== undefined && receiver !== to))
        return undefined;
      const decoded = decodeFrame(frame, world.codec);
      if (!decoded.ok || decoded.value.message.type !== type) return undefined;
      left -= 1;
      this.#record?.lost(sender, receiver, decoded.value.message);
      return 'drop';
    });
    return [];
  }

  #behave(name: string, [behaviour = '', variant = '0']: readonly string[]): readonly string[] {
    if (behaviour !== 'correctly' && !isBehaviourName(behaviour))
      throw new ScenarioError(`"${behaviour}": no such behaviour`);
    if (!/^\d{1,4}$/.test(variant)) throw new ScenarioError(`"${variant}": no variant, which is a number`);
    this.#world.behave(this.#node(name).id + 1, behaviour === 'correctly' ? undefined : behaviour, Number(variant));
    return [];
  }

  #request(command: 'request' | 'read', name: string, operation: string): readonly string[] {
    if (command === 'request') {
      this.#world.request(this.#client(name), parseJson(operation));
      return [];
    }
    if (!this.#world.options.readOnlyRequests)
      throw new ScenarioError('"read": this cluster was not made with "reads"');
    this.#world.read(this.#client(name), parseJson(operation));
    return [];
  }

  /** `12 every 5ms`: each client asks so often for a transfer, one more after each such time. */
  #load([count = '', word, time = '']: readonly string[]): readonly string[] {
    if (word !== 'every') throw new ScenarioError('"load": a number, then every and a duration');
    this.#world.load(countOf(count, MOST_LOAD, 'the number of requests'), microseconds(time));
    return [];
  }

  /** `node1 node2 | node3 client1 | node4 client2`: the twins, who is with the first instances, who is with the second ones. */
  #split(words: readonly string[]): readonly string[] {
    const groups = words
      .join(' ')
      .split('|')
      .map((group) => group.split(' ').filter((word) => word !== ''));
    const [twins = [], first = [], second = [], ...more] = groups;
    if (twins.length === 0 || more.length > 0)
      throw new ScenarioError('"twins": the twins | with the first | with the second');
    const ids = twins.map((name) => this.#upNode(name).id + 1);
    if (new Set([...twins, ...first, ...second]).size < twins.length + first.length + second.length)
      throw new ScenarioError('"twins": nobody is named twice');
    if (ids.some((id) => this.#world.isTwin(id))) throw new ScenarioError('"twins": one of them is a twin already');
    this.#world.split(
      ids,
      first.map((name) => this.#address(name)),
      second.map((name) => this.#address(name)),
    );
    return [];
  }

  #upNode(name: string): SimulatedNode {
    const node = this.#node(name);
    if (!node.isUp) throw new ScenarioError(`"${name}": is down`);
    return node;
  }

  #startNode(node: SimulatedNode): readonly string[] {
    if (node.isUp) throw new ScenarioError(`"${node.name}": runs already`);
    this.#world.world.restart(node);
    return [];
  }

  /** At once; `at accepted unsynced`, as soon as a record of that kind is in that phase; `after 3 prepare`, when so many of these have left. */
  #crash(node: SimulatedNode, [word, first, second]: readonly string[]): readonly string[] {
    if (!node.isUp) throw new ScenarioError(`"${node.name}": is down already`);
    if (word === undefined) {
      node.crash('at rest', 0);
    } else if (word === 'after') {
      const of = RELEASES.find((known) => known === second);
      const count = Number(first);
      if ((of === undefined && second !== undefined) || !Number.isInteger(count) || count < 1)
        throw new ScenarioError(`"after ${first} ${second ?? ''}": no such moment`);
      node.setTrap({ kind: 'output', of, count, receivers: undefined, survivors: 0 });
    } else if (first === 'version') {
      const phase = VERSION_PHASES.find((known) => known === second);
      if (phase === undefined) throw new ScenarioError(`"${first} ${second}": no such moment`);
      node.setTrap({ kind: 'version', phase, survivors: 0 });
    } else {
      const record = DISK_EFFECTS.find((known) => known === first);
      const phase = CRASH_PHASES.find((known) => known === second);
      if (record === undefined || phase === undefined) throw new ScenarioError(`"${first} ${second}": no such moment`);
      node.setTrap({ kind: 'record', record, phase, survivors: 0 });
    }
    return [];
  }

  #answers(): readonly string[] {
    const fresh = this.#world.answers.slice(this.#answersShown);
    this.#answersShown += fresh.length;
    return fresh.map(({ client, kind, outcome }) => {
      if (outcome.kind !== 'executed') return `  client${client}: ${kind}`;
      const names = outcome.replies.toSorted((left, right) => left - right).map(replicaName);
      return `  client${client}: ${kind} at n${outcome.sequence} by ${names.join(' ')}: ${decodeUtf8(outcome.result) ?? ''}`;
    });
  }

  #suspicions(): readonly string[] {
    return this.#world
      .suspicions()
      .map(
        ({ by, node, kind, certainty, view, sequence }) =>
          `  ${replicaName(by)}: ${replicaName(node)} ${kind} (${certainty}) at v${view} n${sequence}`,
      );
  }

  /** The number of a client of this world. */
  #client(name: string): number {
    const number = /^client(\d+)$/.exec(name)?.[1];
    if (number === undefined) throw new ScenarioError(`"${name}": no such client`);
    return countOf(number, this.#world.options.clientCount, 'the number of a client');
  }

  /** What the network calls a node or client. */
  #address(name: string): string {
    return name.startsWith('client') ? `client${this.#client(name)}` : this.#node(name).name;
  }

  #node(name: string): SimulatedNode {
    return nodeNamed(this.#world.world, name);
  }
}

function describeNode(node: SimulatedNode): string {
  if (!node.isUp) return `  ${node.name}: down`;
  const { view, lowWaterMark, lastExecuted, stateRoot, stateRootSequence, recovery } = node.status;
  const state = recovery === undefined ? '' : ', recovering';
  return `  ${node.name}: view ${view}, h ${lowWaterMark}, executed ${lastExecuted}, root ${shortDigest(stateRoot)} at ${stateRootSequence}${state}`;
}
