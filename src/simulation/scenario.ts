/**
 * Scenarios as text: lines that begin with `> ` are commands, lines that begin with `#` are for people, everything else is what the commands
 * print. Running one gives the same text with what is printed now. docs/simulator.md lists the commands.
 */
import { isBehaviourName } from '../byzantine/index.ts';
import { MAX_NUMBER, replicaName } from '../base/ids.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { decodeFrame } from '../messages/index.ts';
import { LIMITS } from '../messages/limits.ts';
import { MAX_REPLICAS } from '../protocol/quorum.ts';
import { brokenBy, describeBroken } from './broken-invariant.ts';
import type { BrokenInvariant } from './broken-invariant.ts';
import { shortDigest } from './describe.ts';
import { CRASH_PHASES, DISK_EFFECTS, RELEASES, VERSION_PHASES } from './crash-trap.ts';
import { describeProblem } from './guard.ts';
import type { SimulatedNode } from './node.ts';
import { readOptions } from './options-json.ts';
import type { SwarmOptions } from './options.ts';
import { isTroubleCommand, nodeNamed, ScenarioError, troubleWorld } from './scenario-faults.ts';
import { ScenarioRecord } from './scenario-record.ts';
import { ScenarioWorld } from './scenario-world.ts';
import type { ScenarioModules, ScenarioOptions } from './scenario-world.ts';
import { MAX_CLIENTS, simulateOptions } from './simulate.ts';

export { ScenarioError };

/** What a scenario came to. */
export interface ScenarioRun {
  /** The scenario as it should read. */
  readonly text: string;
  /** What broke: told by a `verdict`, after which the rest was run, or seen by the checkers, which ended it. Several swarms: the last that broke. */
  readonly violation: BrokenInvariant | undefined;
  /** It judges swarms: other than that of a transcript, its verdict may change for the better. */
  readonly isSwarm: boolean;
}

/** What `verdict` prints when all is well. */
export const NO_VIOLATION = 'no violation';

/** Runs a scenario; returns it as it should read. Throws {@link ScenarioError} for a command it does not know, Violation for a broken invariant. */
export function runScenario(text: string): string {
  const scenario = new Scenario({});
  const lines: string[] = [];
  runLines(text, scenario, lines);
  return lines.join('\n');
}

/** The same for people: a broken invariant is part of the result. Throws {@link ScenarioError} also for a text without any command. */
export function replayScenario(text: string, modules: ScenarioModules = {}): ScenarioRun {
  if (!/^> /m.test(text)) throw new ScenarioError('no line begins with "> ": this is no scenario');
  const scenario = new Scenario(modules);
  const lines: string[] = [];
  let violation: BrokenInvariant | undefined;
  try {
    runLines(text, scenario, lines);
  } catch (error) {
    violation = brokenBy(error);
    if (violation === undefined) throw error;
    lines.push(describeBroken(violation), '');
  }
  return { text: lines.join('\n'), violation: violation ?? scenario.violation, isSwarm: scenario.isSwarm };
}

/** Appends to `lines`, so that what was printed before an invariant broke is not lost. */
function runLines(text: string, scenario: Scenario, lines: string[]): void {
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('> ')) {
      lines.push(line);
      lines.push(...runLine(line.slice(2).trim(), index + 1, scenario));
    } else if (line.startsWith('#') || line.trim() === '') lines.push(line);
  }
}

function runLine(command: string, number: number, scenario: Scenario): readonly string[] {
  try {
    return scenario.command(command);
  } catch (error) {
    if (error instanceof ScenarioError) throw new ScenarioError(error.message, number);
    throw error;
  }
}

class Scenario {
  readonly #modules: ScenarioModules;
  #scene: ScenarioWorld | undefined;
  #record: ScenarioRecord | undefined;
  #answersShown = 0;
  #swarm: SwarmOptions | undefined;
  /** What the latest `verdict` that was not good said. */
  violation: BrokenInvariant | undefined;

  constructor(modules: ScenarioModules) {
    this.#modules = modules;
  }

  get isSwarm(): boolean {
    return this.#swarm !== undefined;
  }

  get #world(): ScenarioWorld {
    if (this.#scene === undefined) throw new ScenarioError('a scenario begins with "> cluster"');
    return this.#scene;
  }

  get #recorded(): ScenarioRecord {
    if (this.#record === undefined) throw new ScenarioError('a scenario begins with "> cluster"');
    return this.#record;
  }

  /** Carries it out; returns what it prints. */
  command(line: string): readonly string[] {
    const words = line.split(/\s+/);
    const [name = '', first = '', ...rest] = words;
    switch (name) {
      case 'cluster':
        return this.#build(words.slice(1));
      case 'swarm':
        this.#swarm = parseSwarm(line.slice(name.length));
        return [];
      case 'verdict':
        return this.#judge();
      case 'request':
        return this.#request(first, line.slice(line.indexOf(first) + first.length));
      case 'run':
        return this.#run(words.slice(1));
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
        return this.#recorded.flow(words.slice(1));
      case 'events':
        return this.#recorded.events(words.slice(1));
      case 'diagram':
        return this.#recorded.diagram(words.slice(1));
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

  /** `nodes 4 interval 8 clients 2 signature` */
  #build(words: readonly string[]): readonly string[] {
    const left = [...words];
    const value = (name: string, otherwise: number, atMost: number): number => {
      const at = left.indexOf(name);
      if (at < 0) return otherwise;
      const [, text = ''] = left.splice(at, 2);
      return countOf(text, atMost, `what follows ${name}`);
    };
    const isSigned = left.includes('signature');
    if (isSigned) left.splice(left.indexOf('signature'), 1);
    const options: Partial<ScenarioOptions> = {
      replicaCount: value('nodes', 4, MAX_REPLICAS),
      checkpointInterval: value('interval', 8, LIMITS.windowSlots / 2),
      clientCount: value('clients', 2, MAX_CLIENTS - 1),
      authentication: isSigned ? 'signature' : 'mac',
    };
    const [strange] = left;
    if (strange !== undefined) throw new ScenarioError(`"${strange}": no option of a cluster`);
    this.#scene = new ScenarioWorld(options, this.#modules);
    this.#record = new ScenarioRecord(this.#scene.world);
    return [];
  }

  /** Runs the swarm, from its start to its end. */
  #judge(): readonly string[] {
    if (this.#swarm === undefined) throw new ScenarioError('"> verdict" judges the "> swarm {…}" before it');
    const { violation } = simulateOptions(this.#swarm, this.#modules);
    this.violation = violation ?? this.violation;
    return [violation === undefined ? NO_VIOLATION : describeBroken(violation)];
  }

  /** `10ms`, `until answered`, `until executed 8`. */
  #run(words: readonly string[]): readonly string[] {
    const scene = this.#world;
    if (words[0] !== 'until') {
      scene.run(microseconds(words[0] ?? ''));
      return [];
    }
    return this.#runUntil(words[1] ?? '', words[2] ?? '') ? [] : ['it does not come to that'];
  }

  #runUntil(what: string, count: string): boolean {
    const scene = this.#world;
    if (what === 'answered') return scene.runUntilAnswered();
    if (what !== 'executed') throw new ScenarioError(`"until ${what}": until answered, or until executed and a number`);
    const sequence = countOf(count, MAX_NUMBER, 'what follows executed');
    return scene.runUntil(() => scene.correctNodes().every((node) => node.status.lastExecuted >= sequence));
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
      this.#recorded.lost(sender, receiver, decoded.value.message);
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

  #request(name: string, operation: string): readonly string[] {
    this.#world.request(this.#client(name), parseJson(operation));
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

function countOf(text: string, atMost: number, what: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > atMost)
    throw new ScenarioError(`"${text}": ${what} is an integer from 1 to ${atMost}`);
  return count;
}

function parseJson(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new ScenarioError(`"${text.trim()}": no JSON object`);
}

function parseSwarm(text: string): SwarmOptions {
  const options = readOptions(parseJson(text));
  if (!options.ok) throw new ScenarioError(`swarm: ${options.error.map(describeProblem).join('; ')}`);
  return options.value;
}

/** `250us`, `10ms`, `2s`. */
function microseconds(text: string): number {
  const match = /^(\d+)(us|ms|s)$/.exec(text);
  if (match === null) throw new ScenarioError(`"${text}": no duration such as 10ms`);
  return Number(match[1]) * (match[2] === 's' ? 1_000_000 : match[2] === 'ms' ? 1000 : 1);
}
