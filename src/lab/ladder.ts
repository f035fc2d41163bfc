/**
 * A run as a ladder diagram in plain text: a column for each party, time downwards, a line for each thing that was said, to however many at once. For
 * documentation: drawn from happenings, never by hand. Pure.
 */
import type { Happening, LabEvent, LabEventKind } from './lab-event.ts';

export interface LadderOptions {
  /** Columns, left to right: party name and title. */
  readonly lanes: readonly (readonly [party: string, title: string])[];
  /** Types of messages that are drawn. */
  readonly messages: readonly string[];
  /** Kinds of events that are drawn. */
  readonly marks: readonly LabEventKind[];
  /** Where time begins, virtual µs; earlier things are left out, and later ones than `untilUs`. */
  readonly fromUs: number;
  readonly untilUs?: number;
}

/** What goes into one line. */
interface Row {
  readonly atUs: number;
  readonly text: string;
  /** Column → character. */
  readonly signs: Map<number, string>;
  /** The sender of messages; undefined for marks. */
  readonly sender: number | undefined;
  readonly key: string;
}

/** From the middle of one column to the next. */
const WIDTH = 11;
const LABEL_WIDTH = 9;
const MARK = '◆';

/** The lines; none of them ends in blanks. */
export function ladder(happenings: readonly Happening[], options: LadderOptions): readonly string[] {
  const { lanes } = options;
  const rows = rowsOf(happenings, options);
  const width = lanes.length * WIDTH;
  const title = lanes.map(([, name]) => centred(name)).join('');
  return [
    `${''.padEnd(LABEL_WIDTH)}${title}`.trimEnd(),
    ...rows.map((row) => {
      const time = `${((row.atUs - options.fromUs) / 1000).toFixed(1)} ms`.padStart(LABEL_WIDTH - 1);
      return `${time} ${drawn(row, lanes.length, width)}  ${row.text}`.trimEnd();
    }),
  ];
}

function centred(name: string): string {
  const left = Math.floor((WIDTH - name.length) / 2);
  return `${' '.repeat(Math.max(0, left))}${name}`.padEnd(WIDTH);
}

const middleOf = (column: number): number => column * WIDTH + Math.floor(WIDTH / 2);

function drawn({ signs, sender }: Row, columns: number, width: number): string {
  const cells = Array.from({ length: width }, () => ' ');
  for (let column = 0; column < columns; column += 1) cells[middleOf(column)] = '│';
  if (sender !== undefined) {
    const ends = [sender, ...signs.keys()].map(middleOf);
    for (let at = Math.min(...ends); at <= Math.max(...ends); at += 1) cells[at] = cells[at] === '│' ? '┼' : '─';
    cells[middleOf(sender)] = '●';
  }
  for (const [column, sign] of signs) cells[middleOf(column)] = sign;
  return cells.join('');
}

function rowsOf(happenings: readonly Happening[], options: LadderOptions): readonly Row[] {
  const { fromUs, untilUs = Infinity } = options;
  const columnOf = new Map(options.lanes.map(([party], column) => [party, column]));
  const rows: Row[] = [];
  for (const { event } of happenings) {
    if (event.at_us < fromUs || event.at_us > untilUs) continue;
    if (event.kind === 'message-lost') markLost(rows, columnOf, event);
    const made = rowOf(event, columnOf, options);
    if (made === undefined) continue;
    const known = rows.findLast(({ key, atUs }) => key === made.key && atUs === made.atUs);
    if (known === undefined) rows.push(made);
    else for (const [column, sign] of made.signs) known.signs.set(column, sign);
  }
  return rows;
}

function rowOf(
  event: LabEvent,
  columnOf: ReadonlyMap<string, number>,
  { messages, marks }: LadderOptions,
): Row | undefined {
  const own = columnOf.get(event.node);
  if (own === undefined) return undefined;
  if (event.kind === 'message-sent') {
    const to = columnOf.get(event.to);
    const { type, view, sequence, digest } = event.message;
    if (to === undefined || !messages.includes(type)) return undefined;
    const about = [
      ...(view === null ? [] : [`v${view}`]),
      ...(sequence === null || sequence === 0 ? [] : [`n${sequence}`]),
      ...(digest === null || type === 'requests' || type.includes('view') ? [] : [`d=${digest.slice(0, 6)}`]),
    ].join(' ');
    const text = `${NAMES[type] ?? type.toUpperCase()} ${about}`;
    const sign = to > own ? '▶' : '◀';
    return { atUs: event.at_us, text, signs: new Map([[to, sign]]), sender: own, key: `${event.node} ${text}` };
  }
  if (!marks.includes(event.kind)) return undefined;
  const text = markText(event);
  return { atUs: event.at_us, text, signs: new Map([[own, MARK]]), sender: undefined, key: text };
}

/** What the paper calls them. */
const NAMES: { readonly [type: string]: string } = { requests: 'REQUEST', replies: 'REPLY' };

/** The line that sent it ends in a cross there. */
function markLost(
  rows: readonly Row[],
  columnOf: ReadonlyMap<string, number>,
  event: Extract<LabEvent, { kind: 'message-lost' }>,
): void {
  const [from, to] = [columnOf.get(event.node), columnOf.get(event.to)];
  const name = NAMES[event.message.type] ?? event.message.type.toUpperCase();
  const row = rows.findLast(
    ({ sender, text, signs }) => sender === from && text.startsWith(name) && signs.has(to ?? -1),
  );
  if (row !== undefined && to !== undefined) row.signs.set(to, '✕');
}

function markText(event: LabEvent): string {
  switch (event.kind) {
    case 'prepared':
    case 'committed':
    case 'pre-prepared':
      return `${event.kind} v${event.view} n${event.sequence} d=${event.digest.slice(0, 6)}`;
    case 'executed':
      return `executed n${event.sequence} d=${event.digest.slice(0, 6)}`;
    case 'decided':
      return `decided n${event.sequence} d=${event.digest.slice(0, 6)}, as ${event.claims.join(' and ')} say`;
    case 'answered':
      return `has its answer, the same from ${event.nodes.join(', ')}`;
    case 'view-change-started':
      return `leaves for view ${event.view} (${event.reason})`;
    case 'view-entered':
      return `enters view ${event.view}`;
    case 'new-view-made':
      return `has chosen what view ${event.view} starts with`;
    case 'checkpoint-taken':
      return `checkpoint ${event.sequence} taken`;
    case 'checkpoint-stable':
      return `checkpoint ${event.sequence} stable: everything up to ${event.sequence} is forgotten`;
    case 'suspicion':
      return `${event.suspicion.certainty}: ${event.suspicion.node_id}, ${event.suspicion.kind}`;
    case 'crashed':
      return 'loses its power';
    case 'request-timeout':
      return 'has waited too long';
    case 'behaviour':
      return event.behaviour === null ? 'stops lying' : `lies from now on: ${event.behaviour}`;
    default:
      return event.kind;
  }
}
