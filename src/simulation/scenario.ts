/**
 * Scenarios as text: lines that begin with `> ` are commands, lines that begin with `#` are for people, everything else is what the commands
 * print. Running one gives the same text with what is printed now. docs/simulator.md lists the commands.
 */
import { isBehaviourName } from '../byzantine/index.ts';
import { replicaName, replicaOfName } from '../base/ids.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { decodeFrame } from '../messages/index.ts';
import { describeEvent, describeMessage, shortDigest } from './describe.ts';
import { CRASH_PHASES } from './node.ts';
import type { CrashTrap, SimulatedNode } from './node.ts';
import { ScenarioWorld } from './scenario-world.ts';
import type { ScenarioOptions } from './scenario-world.ts';
import type { Record } from '../protocol/record.ts';

/** A command that is none, with its line. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

const RECORD_KINDS: readonly Record['kind'][] = [
  'accepted',
  'prepared',
  'executed',
  'checkpoint',
  'stable',
  'suspicion',
];
/** Not shown by `flow` and `events`: they go on for ever. */
const BACKGROUND = new Set(['status', 'message-sent', 'message-received', 'started', 'view-entered']);

interface Shown {
  readonly time: number;
  readonly type: string;
  readonly text: string;
}

/** Runs a scenario; returns it as it should read. Throws {@link ScenarioError} for a command it does not know, Violation for a broken invariant. */
export function runScenario(text: string): string {
  const scenario = new Scenario();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('> ')) lines.push(line, ...scenario.command(line.slice(2).trim()));
    else if (line.startsWith('#') || line.trim() === '') lines.push(line);
  }
  return lines.join('\n');
}

class Scenario {
  #scene: ScenarioWorld | undefined;
  #start = 0;
  #flow: Shown[] = [];
  #events: Shown[] = [];
  #answersShown = 0;

  get #world(): ScenarioWorld {
    if (this.#scene === undefined) throw new ScenarioError('a scenario begins with "> cluster"');
    return this.#scene;
  }

  /** Carries it out; returns what it prints. */
  command(line: string): readonly string[] {
    const words = line.split(/\s+/);
    const [name = '', first = '', ...rest] = words;
    switch (name) {
      case 'cluster':
        return this.#build(words.slice(1));
      case 'request':
        this.#world.request(numberOf(first, 'client'), parseJson(line.slice(line.indexOf('{'))));
        return [];
      case 'run':
        return this.#run(words.slice(1));
      case 'drop':
        return this.#drop(words.slice(1));
      case 'cut':
      case 'mend':
        this.#setCut(first, rest[0] ?? '', name === 'cut');
        return [];
      case 'behave':
        return this.#behave(first, rest);
      case 'crash':
        return this.#crash(this.#node(first), rest);
      case 'start':
        this.#world.world.restart(this.#node(first));
        return [];
      case 'flow':
        return take(this.#flow, words.slice(1));
      case 'events':
        return take(this.#events, words.slice(1));
      case 'answers':
        return this.#answers();
      case 'suspicions':
        return this.#suspicions();
      case 'status':
        return this.#world.world.nodes.map(describeNode);
      default:
        throw new ScenarioError(`"${line}": no such command`);
    }
  }

  /** `nodes 4 interval 8 signature timeout 500ms …` */
  #build(words: readonly string[]): readonly string[] {
    const value = (name: string, otherwise: number): number => {
      const at = words.indexOf(name);
      return at < 0 ? otherwise : Number.parseInt(words[at + 1] ?? '', 10);
    };
    const options: Partial<ScenarioOptions> = {
      replicaCount: value('nodes', 4),
      checkpointInterval: value('interval', 8),
      clientCount: value('clients', 2),
      authentication: words.includes('signature') ? 'signature' : 'mac',
    };
    this.#scene = new ScenarioWorld(options);
    this.#start = this.#scene.world.time;
    const { world } = this.#scene;
    world.addObserver({
      delivered: (from, to, frame) => {
        const decoded = decodeFrame(frame, world.codec);
        const what = decoded.ok
          ? describeMessage(decoded.value.message)
          : `${frame.length} bytes (${decoded.error.code})`;
        this.#flow.push({
          time: world.time - this.#start,
          type: decoded.ok ? decoded.value.message.type : 'malformed',
          text: `${world.addressOf(from)} → ${world.addressOf(to)}  ${what}`,
        });
      },
      stepped: (node, _input, outputs) => {
        for (const output of outputs) {
          if (output.kind !== 'event') continue;
          this.#events.push({
            time: world.time - this.#start,
            type: output.event.kind,
            text: `${replicaName(node.id)}  ${describeEvent(output.event)}`,
          });
        }
      },
      crashed: (node, point) => {
        this.#events.push({
          time: world.time - this.#start,
          type: 'crash',
          text: `${replicaName(node)}  loses its power (${point})`,
        });
      },
    });
    return [];
  }

  /** `10ms`, `until answered`, `until executed 8`. */
  #run(words: readonly string[]): readonly string[] {
    const scene = this.#world;
    if (words[0] !== 'until') {
      scene.run(microseconds(words[0] ?? ''));
      return [];
    }
    const sequence = Number(words[2]);
    const isOver =
      words[1] === 'answered'
        ? scene.runUntilAnswered()
        : scene.runUntil(() => scene.correctNodes().every((node) => node.status.lastExecuted >= sequence));
    return isOver ? [] : ['it does not come to that'];
  }

  /** `commit from node1 to node3 times 1`: such messages are lost, so often, or for ever. */
  #drop(words: readonly string[]): readonly string[] {
    const after = (name: string): string | undefined =>
      words.includes(name) ? words[words.indexOf(name) + 1] : undefined;
    const [type] = words;
    const from = after('from');
    const to = after('to');
    let left = Number(after('times') ?? Infinity);
    const { world } = this.#world;
    world.network.addRule((sender, receiver, frame) => {
      if (left <= 0 || (from !== undefined && sender !== from) || (to !== undefined && receiver !== to))
        return undefined;
      const decoded = decodeFrame(frame, world.codec);
      if (!decoded.ok || decoded.value.message.type !== type) return undefined;
      left -= 1;
      this.#flow.push({
        time: world.time - this.#start,
        type: decoded.value.message.type,
        text: `${sender} → ${receiver}  lost: ${describeMessage(decoded.value.message)}`,
      });
      return 'drop';
    });
    return [];
  }

  /** `node1 node2` or `node1 all`, both directions. */
  #setCut(left: string, right: string, cut: boolean): void {
    const { network, nodes } = this.#world.world;
    const others = right === 'all' ? nodes.map((node) => node.name).filter((name) => name !== left) : [right];
    for (const other of others) {
      network.setCut(left, other, cut);
      network.setCut(other, left, cut);
    }
  }

  #behave(name: string, [behaviour = '', variant = '0']: readonly string[]): readonly string[] {
    if (behaviour !== 'correctly' && !isBehaviourName(behaviour))
      throw new ScenarioError(`"${behaviour}": no such behaviour`);
    this.#world.behave(this.#node(name).id + 1, behaviour === 'correctly' ? undefined : behaviour, Number(variant));
    return [];
  }

  /** At once, or `at accepted unsynced`: as soon as a record of that kind is in that phase. */
  #crash(node: SimulatedNode, [at, kind, stage]: readonly string[]): readonly string[] {
    if (at === undefined) {
      node.crash('at rest', 0);
      return [];
    }
    const record = RECORD_KINDS.find((known) => known === kind);
    const phase = CRASH_PHASES.find((known) => known === stage);
    if (record === undefined || phase === undefined) throw new ScenarioError(`"${kind} ${stage}": no such moment`);
    const trap: CrashTrap = { record, phase, survivors: 0 };
    node.setTrap(trap);
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

  #node(name: string): SimulatedNode {
    const id = replicaOfName(name);
    const node = id === undefined ? undefined : this.#world.world.nodes[id];
    if (node === undefined) throw new ScenarioError(`"${name}": no such node`);
    return node;
  }
}

function describeNode(node: SimulatedNode): string {
  if (!node.isUp) return `  ${node.name}: down`;
  const { view, lowWaterMark, lastExecuted, stateRoot, stateRootSequence } = node.status;
  return `  ${node.name}: view ${view}, h ${lowWaterMark}, executed ${lastExecuted}, root ${shortDigest(stateRoot)} at ${stateRootSequence}`;
}

/** Prints and forgets what is of these types, or of all but the background. */
function take(shown: Shown[], types: readonly string[]): readonly string[] {
  const all = shown.splice(0);
  const chosen = all.filter(({ type }) => (types.length === 0 ? !BACKGROUND.has(type) : types.includes(type)));
  return chosen.map(({ time, text }) => `${(time / 1000).toFixed(1).padStart(8)}  ${text}`);
}

function numberOf(name: string, kind: string): number {
  const number = Number(name.slice(kind.length));
  if (!name.startsWith(kind) || !Number.isInteger(number) || number < 1)
    throw new ScenarioError(`"${name}": not a ${kind}`);
  return number;
}

function parseJson(text: string): object {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new ScenarioError(`"${text}": no JSON object`);
  return value;
}

/** `250us`, `10ms`, `2s`. */
function microseconds(text: string): number {
  const match = /^(\d+)(us|ms|s)$/.exec(text);
  if (match === null) throw new ScenarioError(`"${text}": no duration such as 10ms`);
  return Number(match[1]) * (match[2] === 's' ? 1_000_000 : match[2] === 'ms' ? 1000 : 1);
}
