/** What happened in a scenario's world since it was last asked for: messages that arrived or were lost, and events. As lists, and as a diagram. */
import { replicaName } from '../base/ids.ts';
import { decodeFrame } from '../messages/index.ts';
import type { Message } from '../messages/index.ts';
import { describeEvent, describeMessage } from './describe.ts';
import { drawFlow } from './flow-diagram.ts';
import type { Arrow, Mark } from './flow-diagram.ts';
import type { Address } from './network.ts';
import type { World } from './world.ts';

/** Not shown unless asked for: they go on for ever. */
const BACKGROUND = new Set(['status', 'message-sent', 'message-received', 'started', 'view-entered']);

/** What a diagram marks unless it is told what to show. */
const MARKED = new Set([
  'prepared',
  'committed',
  'decided',
  'executed',
  'view-change-started',
  'view-entered',
  'checkpoint-stable',
  'suspicion',
  'transferred',
  'recovered',
  'crash',
]);

/** A message or an event, of one type; times count from the beginning of the record. */
type Shown = (Arrow | Mark) & { readonly type: string };

export class ScenarioRecord {
  readonly #world: World;
  readonly #start: number;
  readonly #flow: Shown[] = [];
  readonly #events: Shown[] = [];

  /** Begins now. */
  constructor(world: World) {
    this.#world = world;
    this.#start = world.time;
    world.addObserver({
      delivered: (from, to, frame) => {
        const decoded = decodeFrame(frame, world.codec);
        this.#flow.push({
          kind: 'arrow',
          time: this.#time,
          type: decoded.ok ? decoded.value.message.type : 'malformed',
          from: world.addressOf(from),
          to: world.addressOf(to),
          isLost: false,
          text: decoded.ok ? describeMessage(decoded.value.message) : `${frame.length} bytes (${decoded.error.code})`,
        });
      },
      stepped: (node, _input, outputs) => {
        for (const output of outputs) {
          if (output.kind !== 'event') continue;
          const { event } = output;
          this.#mark(event.kind, replicaName(node.id), describeEvent(event));
        }
      },
      crashed: (node, point) => this.#mark('crash', replicaName(node), `loses its power (${point})`),
    });
  }

  get #time(): number {
    return this.#world.time - this.#start;
  }

  #mark(type: string, at: string, text: string): void {
    this.#events.push({ kind: 'mark', time: this.#time, type, at, text });
  }

  /** The network loses a message just now. */
  lost(from: Address, to: Address, message: Message): void {
    const { type } = message;
    this.#flow.push({ kind: 'arrow', time: this.#time, type, from, to, isLost: true, text: describeMessage(message) });
  }

  /** Takes messages: of these types, or all but the background. */
  flow(types: readonly string[]): readonly string[] {
    return list(this.#flow.splice(0), types);
  }

  /** Takes events: of these kinds, or all but the background. */
  events(kinds: readonly string[]): readonly string[] {
    return list(this.#events.splice(0), kinds);
  }

  /** Takes messages and events. Nodes have lanes, and clients that sent something or were sent something. */
  diagram(types: readonly string[]): readonly string[] {
    const shown = [...this.#flow.splice(0), ...this.#events.splice(0)]
      .filter((one) => (types.length > 0 ? types.includes(one.type) : isDrawn(one)))
      .filter((one) => !this.#isEmpty(one))
      // Stable: what arrives at a time stands before what it causes.
      .toSorted((left, right) => left.time - right.time);
    const heard = new Set(shown.flatMap((one) => (one.kind === 'arrow' ? [one.from, one.to] : [])));
    const { clients, nodes } = this.#world;
    const addresses = clients.map(({ client }) => this.#world.addressOf({ kind: 'client', client }));
    return drawFlow([...addresses.filter((name) => heard.has(name)), ...nodes.map(({ name }) => name)], shown);
  }

  /** What a liar suspects others of is not worth a mark. */
  #isEmpty(shown: Shown): boolean {
    if (shown.kind !== 'mark' || shown.type !== 'suspicion') return false;
    return this.#world.nodes.some(({ name, isCorrect }) => name === shown.at && !isCorrect);
  }
}

function isDrawn({ kind, type }: Shown): boolean {
  return kind === 'arrow' ? !BACKGROUND.has(type) : MARKED.has(type);
}

function list(shown: readonly Shown[], types: readonly string[]): readonly string[] {
  const chosen = shown.filter(({ type }) => (types.length === 0 ? !BACKGROUND.has(type) : types.includes(type)));
  return chosen.map((one) => `${(one.time / 1000).toFixed(1).padStart(8)}  ${tell(one)}`);
}

function tell(shown: Shown): string {
  if (shown.kind === 'mark') return `${shown.at}  ${shown.text}`;
  return `${shown.from} → ${shown.to}  ${shown.isLost ? 'lost: ' : ''}${shown.text}`;
}
