/** What happens on a lane itself, drawn as a mark: certificates, executions, views, suspicions. */
import { trimList } from './bounded.ts';
import type { Phase } from './language.ts';
import type { StreamEvent } from './stream-event.ts';

export const MAX_MARKS = 3000;

export const MARK_KINDS = [
  'pre-prepared',
  'prepared',
  'committed',
  'executed',
  'checkpoint-stable',
  'view-change-started',
  'view-entered',
  'suspicion',
  'refused',
  'behaviour',
  'started',
] as const;
export type MarkKind = (typeof MARK_KINDS)[number];

export interface Mark {
  readonly key: number;
  readonly atUs: number;
  readonly node: string;
  readonly kind: MarkKind;
  readonly view: number | undefined;
  readonly sequence: number | undefined;
  readonly digest: string | undefined;
  /** One sentence for people. */
  readonly text: string;
}

/** The phase that each mark belongs to: it is hidden with its arrows, and has their colour. */
export const MARK_PHASES: Readonly<Record<MarkKind, Phase | undefined>> = {
  'pre-prepared': 'pre-prepare',
  prepared: 'prepare',
  committed: 'commit',
  executed: 'reply',
  'checkpoint-stable': 'checkpoint',
  'view-change-started': 'view-change',
  'view-entered': 'view-change',
  suspicion: undefined,
  refused: undefined,
  behaviour: undefined,
  started: undefined,
};

const isMarkKind = (kind: string): kind is MarkKind => (MARK_KINDS as readonly string[]).includes(kind);

type MarkEvent = Extract<StreamEvent, { kind: MarkKind }>;

const hasMark = (event: StreamEvent): event is MarkEvent => isMarkKind(event.kind);

function textOf(event: MarkEvent): string {
  switch (event.kind) {
    case 'pre-prepared':
      return `${event.node} accepts the proposal for number ${event.sequence} in view ${event.view}`;
    case 'prepared':
      return `${event.node} holds a prepared certificate for number ${event.sequence} in view ${event.view}`;
    case 'committed':
      return `${event.node} holds a committed certificate for number ${event.sequence} in view ${event.view}`;
    case 'executed':
      return `${event.node} executes number ${event.sequence}: ${event.request_count === 1 ? 'one request' : `${event.request_count} requests`}`;
    case 'checkpoint-stable':
      return `${event.node} sees the checkpoint at ${event.sequence} become stable, signed by ${event.nodes.join(', ')}`;
    case 'view-change-started':
      return `${event.node} leaves its view for view ${event.view}: ${event.reason}`;
    case 'view-entered':
      return `${event.node} enters view ${event.view}, whose primary is ${event.primary}`;
    case 'suspicion':
      return `${event.node} on ${event.suspicion.node_id}: ${event.suspicion.evidence}`;
    case 'refused':
      return `${event.node} refuses ${event.type} from ${event.from}: ${event.code}`;
    case 'behaviour':
      return event.behaviour === null
        ? `${event.node} behaves correctly again`
        : `${event.node} was told to misbehave: ${event.behaviour}`;
    case 'started':
      return `${event.node} starts in view ${event.view}, having executed up to ${event.last_executed}`;
  }
}

/** The marks that are kept, in the order in which they became known. */
export class Marks {
  readonly list: Mark[] = [];
  #nextKey = 1;

  /** Takes the event in if it has a mark. */
  apply(event: StreamEvent): void {
    if (!hasMark(event)) return;
    this.list.push({
      key: this.#nextKey,
      atUs: event.at_us,
      node: event.node,
      kind: event.kind,
      view: 'view' in event ? event.view : undefined,
      sequence: 'sequence' in event ? event.sequence : undefined,
      digest: 'digest' in event ? event.digest : undefined,
      text: textOf(event),
    });
    this.#nextKey += 1;
    trimList(this.list, MAX_MARKS);
  }
}
