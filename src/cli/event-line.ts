/** One event of the stream as one line for people. Pure. */
import type { MessageSummary, StreamEvent } from '../api/index.ts';

const DIGEST_CHARACTERS = 10;
const KIND_COLUMNS = 20;

/** `12:03:04.123456 node2 prepared             number 17 in view 0, batch 3f9ac210aa`: local time, who, what. */
export function eventLine(event: StreamEvent): string {
  return `${timeOf(event.at_us)} ${event.node} ${event.kind.padEnd(KIND_COLUMNS)} ${whatOf(event)}`.trimEnd();
}

function timeOf(atUs: number): string {
  const date = new Date(atUs / 1000);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${hours}:${minutes}:${seconds}.${String(atUs % 1e6).padStart(6, '0')}`;
}

function whatOf(event: StreamEvent): string {
  switch (event.kind) {
    case 'hello':
      return `view ${event.view}${event.in_view_change ? ' (being left)' : ''}; ${event.n} nodes, f = ${event.f}, quorum ${event.quorum}${event.lab ? ', lab mode' : ''}`;
    case 'lost':
      return `${event.count} events are missing here`;
    case 'sampled':
      return `${event.kept} of ${event.of} events of single slots, messages and requests were told in the last second`;
    case 'started':
      return `view ${event.view}, executed up to ${event.last_executed}, stable up to ${event.low_water_mark}`;
    case 'view-entered':
      return `view ${event.view}, primary ${event.primary}`;
    case 'view-change-started':
      return `for view ${event.view}: ${event.reason}`;
    case 'new-view-made':
      return `view ${event.view} starts after ${event.start} with ${event.slots} batches, ${event.nulls} of them null`;
    case 'request-received':
      return `${short(event.request_digest)} of ${event.client}${event.queued ? '' : ', not taken in'}`;
    case 'pre-prepared':
    case 'executed':
      return `${slot(event)}, ${requests(event.request_count)}`;
    case 'prepared':
    case 'tentatively-executed':
    case 'committed':
      return slot(event);
    case 'decided':
      return `number ${event.sequence}, batch ${short(event.digest)}, say ${event.claims.join(' ')}`;
    case 'checkpoint-taken':
      return `number ${event.sequence}, root ${short(event.root)}`;
    case 'checkpoint-stable':
      return `number ${event.sequence}, root ${short(event.root)}, signed by ${event.nodes.join(' ')}`;
    case 'message-sent':
      return `to ${event.to}: ${message(event.message)}`;
    case 'message-received':
      return `from ${event.from}: ${message(event.message)}`;
    case 'suspicion': {
      const { node_id: node, kind, certainty, view, sequence, count, evidence } = event.suspicion;
      return `${node}: ${kind}, ${certainty}, view ${view}, number ${sequence}${count === 1 ? '' : ` (${count} times)`}: ${evidence}`;
    }
    case 'refused':
      return `${event.type} from ${event.from}: ${event.code}`;
    case 'behaviour':
      return event.behaviour === null ? 'correct again' : event.behaviour;
    case 'link':
      return `${event.peer} ${event.state}`;
    default:
      return rest(event);
  }
}

/** What is rare, field by field. */
function rest(event: StreamEvent): string {
  return Object.entries(event)
    .filter(([name]) => !['id', 'node', 'at_us', 'kind'].includes(name))
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

function slot({ view, sequence, digest }: { view: number; sequence: number; digest: string }): string {
  return `number ${sequence} in view ${view}, batch ${short(digest)}`;
}

function message({ type, view, sequence, digest, requests: count, size_bytes: size }: MessageSummary): string {
  const parts = [
    type.toUpperCase(),
    ...(view === null ? [] : [`view ${view}`]),
    ...(sequence === null ? [] : [`number ${sequence}`]),
    ...(digest === null ? [] : [short(digest)]),
    ...(count === null ? [] : [requests(count)]),
  ];
  return `${parts.join(' ')}, ${size} bytes`;
}

function requests(count: number): string {
  return count === 1 ? '1 request' : `${count} requests`;
}

function short(digest: string): string {
  return digest.slice(0, DIGEST_CHARACTERS);
}
