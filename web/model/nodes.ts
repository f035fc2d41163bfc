/** What each replica last said of itself. */
import type { StreamEvent } from './stream-event.ts';

/** `connecting`: not known yet. `refused`: it answers, and does not tell this page. `paused`: it was stopped on order and answers nothing. */
export type Presence = 'connecting' | 'up' | 'down' | 'paused' | 'refused';

export interface NodePicture {
  readonly name: string;
  view: number;
  inViewChange: boolean;
  lastExecuted: number;
  highestAccepted: number;
  /** The last stable checkpoint. */
  stable: number;
  /** How it misbehaves on order; null: it does not. */
  behaviour: string | null;
  /** Peers whose link to it is down. */
  readonly downLinks: Set<string>;
  /** Messages that were not acted on since the page was opened. */
  refusals: number;
  /** Events that the stream could not bring. */
  lostEvents: number;
  /** When of what happened only a share was told last, and which share: µs, its clock. */
  sampled: { readonly atUs: number; readonly share: number } | undefined;
  /** Of the process that tells: another one after each start. */
  boot: string | undefined;
  /** µs, its clock: from here on nothing is missing of what it told. */
  wholeSinceUs: number;
  /** µs, its clock: its last event. */
  lastUs: number;
}

export function newNode(name: string): NodePicture {
  return {
    name,
    view: 0,
    inViewChange: false,
    lastExecuted: 0,
    highestAccepted: 0,
    stable: 0,
    behaviour: null,
    downLinks: new Set(),
    refusals: 0,
    lostEvents: 0,
    sampled: undefined,
    boot: undefined,
    wholeSinceUs: 0,
    lastUs: 0,
  };
}

/** So long after it a node still counts as one that does not tell everything, in µs. */
const SAMPLED_US = 3_000_000;

/** The share of what happens that a node tells at `nowUs`: 1 unless it said otherwise shortly. */
export function toldShare({ sampled }: NodePicture, nowUs: number): number {
  return sampled === undefined || nowUs - sampled.atUs > SAMPLED_US ? 1 : sampled.share;
}

/** Which node is the primary of a view. */
export function primaryOf(view: number, replicaCount: number): string {
  return `node${(view % Math.max(1, replicaCount)) + 1}`;
}

/** Another process than before: what the last one had done, this one may not have. */
function startAnew(node: NodePicture, { boot, at_us }: Extract<StreamEvent, { kind: 'hello' }>): void {
  node.boot = boot;
  node.wholeSinceUs = at_us;
  node.lastExecuted = 0;
  node.highestAccepted = 0;
  node.stable = 0;
}

function replaceAll(set: Set<string>, names: readonly string[]): void {
  set.clear();
  for (const name of names) set.add(name);
}

/** What an event says of the node that it comes from. */
export function applyToNode(node: NodePicture, event: StreamEvent): void {
  node.lastUs = Math.max(node.lastUs, event.at_us);
  switch (event.kind) {
    case 'hello':
      if (event.boot !== node.boot) startAnew(node, event);
      node.view = event.view;
      node.inViewChange = event.in_view_change;
      node.behaviour = event.behaviour;
      replaceAll(node.downLinks, event.down_links);
      break;
    case 'started':
      node.view = event.view;
      node.lastExecuted = event.last_executed;
      node.stable = event.low_water_mark;
      node.behaviour = null;
      node.downLinks.clear();
      break;
    case 'view-change-started':
      node.view = event.view;
      node.inViewChange = true;
      break;
    case 'view-entered':
      node.view = event.view;
      node.inViewChange = false;
      break;
    case 'pre-prepared':
      node.highestAccepted = Math.max(node.highestAccepted, event.sequence);
      break;
    case 'executed':
      node.lastExecuted = event.sequence;
      node.highestAccepted = Math.max(node.highestAccepted, event.sequence);
      break;
    case 'transferred':
      node.lastExecuted = Math.max(node.lastExecuted, event.sequence);
      break;
    case 'checkpoint-stable':
      node.stable = Math.max(node.stable, event.sequence);
      break;
    case 'behaviour':
      node.behaviour = event.behaviour;
      break;
    case 'link':
      if (event.state === 'down') node.downLinks.add(event.peer);
      else node.downLinks.delete(event.peer);
      break;
    case 'refused':
      node.refusals += 1;
      break;
    case 'lost':
      node.lostEvents += event.count;
      node.wholeSinceUs = event.at_us;
      break;
    case 'sampled':
      node.sampled = { atUs: event.at_us, share: event.kept / Math.max(1, event.of) };
      break;
    default:
  }
}
