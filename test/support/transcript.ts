/** Outputs as short lines, so that a test can state the whole list of what a step gave, in order. */
import type { Digest } from '../../src/base/ids.ts';
import type { Message } from '../../src/messages/index.ts';
import type { Event } from '../../src/protocol/event.ts';
import type { Output } from '../../src/protocol/output.ts';
import type { Record } from '../../src/protocol/record.ts';
import type { Suspicion } from '../../src/protocol/suspicion.ts';
import { text } from './core-kit.ts';

/** What a digest is called in the lines; by default its first six characters. */
export type Names = ReadonlyMap<Digest, string>;

const NONE: Names = new Map();

/** Every output, events included. */
export function linesOf(outputs: readonly Output[], names: Names = NONE): readonly string[] {
  return outputs.map((output) => lineOf(output, names));
}

/** What leaves the replica or goes to its disk: no events. */
export function effectsOf(outputs: readonly Output[], names: Names = NONE): readonly string[] {
  return linesOf(
    outputs.filter((output) => output.kind !== 'event'),
    names,
  );
}

export function eventsOf(outputs: readonly Output[]): readonly Event[] {
  return outputs.flatMap((output) => (output.kind === 'event' ? [output.event] : []));
}

export function eventsOfKind<Kind extends Event['kind']>(
  outputs: readonly Output[],
  kind: Kind,
): readonly Extract<Event, { kind: Kind }>[] {
  return eventsOf(outputs).filter((event): event is Extract<Event, { kind: Kind }> => event.kind === kind);
}

/** `type code` of each refusal. */
export function refusalsOf(outputs: readonly Output[]): readonly string[] {
  return eventsOfKind(outputs, 'refused').map((event) => `${event.type} ${event.code}`);
}

export function suspicionsOf(outputs: readonly Output[]): readonly string[] {
  return eventsOfKind(outputs, 'suspicion').map((event) => suspicionLine(event.suspicion));
}

/** `certain equivocation node1 v0 n1`. */
export function suspicionLine({ node, kind, certainty, view, sequence }: Suspicion): string {
  return `${certainty} ${kind} node${node + 1} v${view} n${sequence}`;
}

export function sentOf(outputs: readonly Output[]): readonly Message[] {
  return outputs.flatMap((output) => (output.kind === 'send' ? [output.message] : []));
}

export function recordsOf(outputs: readonly Output[]): readonly Record[] {
  return outputs.flatMap((output) => (output.kind === 'persist' ? [output.record] : []));
}

function nameOf(digest: Digest, names: Names): string {
  return names.get(digest) ?? digest.slice(0, 6);
}

function lineOf(output: Output, names: Names): string {
  switch (output.kind) {
    case 'persist':
      return `persist ${recordLine(output.record, names)}`;
    case 'truncate':
      return `truncate to ${output.records.map((record) => recordLine(record, names)).join(', ')}`;
    case 'store':
      return `store n${output.sequence}`;
    case 'collect':
      return `collect below n${output.sequence}`;
    case 'send':
      return `send ${messageLine(output.message, names)} → ${output.to.join(' ')}${output.signature === undefined ? '' : ' signed'}`;
    case 'reply': {
      const { sequence, timestamp, outcome, result } = output.reply;
      return `reply n${sequence} t${timestamp} ${outcome} ${result === undefined ? 'digest' : text(result)}`;
    }
    case 'event':
      return eventLine(output.event, names);
  }
}

export function recordLine(record: Record, names: Names = NONE): string {
  switch (record.kind) {
    case 'accepted':
    case 'prepared':
    case 'executed':
      return `${record.kind} v${record.view} n${record.sequence} ${nameOf(record.digest, names)}`;
    case 'stable':
      return `stable n${record.sequence} of ${record.proof.length}${record.hasState ? '' : ' without state'}`;
    case 'view-change':
      return `view-change v${record.viewChange.viewChange.view}`;
    case 'new-view':
      return `new-view v${record.newView.newView.view}`;
    case 'proposes':
      return `proposes v${record.view}`;
    case 'recovery':
      return `recovery M ${record.mark ?? '-'} ${record.barred === undefined ? '' : `barred ${record.barred}`}`.trimEnd();
    case 'suspicion':
      return suspicionLine(record.suspicion);
  }
}

export function messageLine(message: Message, names: Names = NONE): string {
  switch (message.type) {
    case 'pre-prepare':
    case 'prepare':
    case 'commit':
      return `${message.type} v${message.view} n${message.sequence} ${nameOf(message.digest, names)}`;
    case 'batch':
      return `batch n${message.sequence} ${nameOf(message.digest, names)}`;
    case 'checkpoint':
      return `checkpoint n${message.sequence} of ${message.replica}`;
    case 'status':
      return `status h${message.lowWaterMark} e${message.lastExecuted} [${message.slots.map((slot) => `${slot.sequence}${slot.committed ? 'c' : slot.prepared ? 'p' : 'a'}`).join(' ')}]`;
    case 'decided':
      return `decided ${message.decisions.map(({ sequence, digest }) => `${sequence}=${nameOf(digest, names)}`).join(' ')}`;
    case 'fetch':
      return `fetch ${message.wanted.map(({ sequence, digest }) => `${sequence}=${nameOf(digest, names)}`).join(' ')}`;
    case 'complaint':
      return `complaint v${message.view} n${message.sequence} about ${message.requests.length}`;
    case 'requests':
      return `requests ${message.requests.map(({ request }) => text(request.operation)).join(' ')}`;
    default:
      return message.type;
  }
}

function eventLine(event: Event, names: Names): string {
  switch (event.kind) {
    case 'pre-prepared':
    case 'prepared':
    case 'committed':
    case 'executed':
      return `${event.kind} v${event.view} n${event.sequence} ${nameOf(event.digest, names)}`;
    case 'refused':
      return `refused ${event.type} ${event.code}`;
    case 'suspicion':
      return suspicionLine(event.suspicion);
    case 'buffered':
      return `buffered ${event.what} n${event.sequence}`;
    case 'decided':
      return `decided n${event.sequence} by ${event.claims.join(' ')}`;
    case 'checkpoint-taken':
    case 'checkpoint-stable':
    case 'body-missing':
    case 'body-fetched':
    case 'diverged':
      return `${event.kind} n${event.sequence}`;
    default:
      return event.kind;
  }
}
