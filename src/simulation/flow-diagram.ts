/**
 * A space-time diagram as text: a lane for each client and node, time downwards, an arrow for each message that arrived or was lost, a mark where
 * something happened. Copies of one message that arrive together are one row, and so are marks that say the same at one time.
 */

export interface Arrow {
  readonly kind: 'arrow';
  /** µs. */
  readonly time: number;
  readonly from: string;
  readonly to: string;
  readonly isLost: boolean;
  readonly text: string;
}

export interface Mark {
  readonly kind: 'mark';
  /** µs. */
  readonly time: number;
  readonly at: string;
  readonly text: string;
}

interface Row {
  readonly item: Arrow | Mark;
  /** Lanes that it reaches, or that it is of. */
  readonly lanes: Set<number>;
}

const LANE_WIDTH = 10;
const TIME_WIDTH = 8;
const HALF = LANE_WIDTH / 2;

/** `items` in the order of time, which is told in ms. Those that are from or to nobody in `lanes` are left out. */
export function drawFlow(lanes: readonly string[], items: readonly (Arrow | Mark)[]): readonly string[] {
  const rows = gather(lanes, items);
  const lines = [head(lanes)];
  let last: string | undefined;
  for (const row of rows) {
    const told = (row.item.time / 1000).toFixed(1);
    const isNew = told !== last;
    last = told;
    if (isNew) lines.push(`${' '.repeat(TIME_WIDTH)}${bare(lanes.length).join('').trimEnd()}`);
    lines.push(`${(isNew ? told : '').padStart(TIME_WIDTH - 1)} ${draw(row, lanes)}  ${row.item.text}`);
  }
  return lines;
}

function gather(lanes: readonly string[], items: readonly (Arrow | Mark)[]): readonly Row[] {
  const rows: Row[] = [];
  for (const item of items) {
    const lane = lanes.indexOf(item.kind === 'arrow' ? item.to : item.at);
    if (lane < 0 || (item.kind === 'arrow' && !lanes.includes(item.from))) continue;
    const same = rows.find((row) => row.item.time === item.time && isSame(row.item, item));
    if (same === undefined) rows.push({ item, lanes: new Set([lane]) });
    else same.lanes.add(lane);
  }
  return rows;
}

function isSame(left: Arrow | Mark, right: Arrow | Mark): boolean {
  if (left.text !== right.text) return false;
  if (left.kind === 'mark' || right.kind === 'mark') return left.kind === right.kind;
  return left.from === right.from && left.isLost === right.isLost;
}

function head(lanes: readonly string[]): string {
  const names = lanes.map((name) => {
    const before = Math.max(0, HALF - Math.floor(name.length / 2));
    return (' '.repeat(before) + name).padEnd(LANE_WIDTH);
  });
  return `${' '.repeat(TIME_WIDTH)}${names.join('')}`.trimEnd();
}

/** One line of nothing but lanes, a character an element. */
function bare(count: number): string[] {
  return Array.from({ length: count * LANE_WIDTH }, (_, at) => (at % LANE_WIDTH === HALF ? '│' : ' '));
}

function draw({ item, lanes: reached }: Row, lanes: readonly string[]): string {
  const line = bare(lanes.length);
  if (item.kind === 'mark') {
    for (const lane of reached) line[centre(lane)] = '◆';
    return line.join('');
  }
  const sender = lanes.indexOf(item.from);
  const [first, last] = [Math.min(sender, ...reached), Math.max(sender, ...reached)];
  for (let at = centre(first) + 1; at < centre(last); at += 1) line[at] = at % LANE_WIDTH === HALF ? '┼' : '─';
  for (const lane of reached) {
    const isRight = lane > sender;
    const isEnd = lane === first || lane === last;
    const [head_, through] = isRight ? ['▶', '├'] : ['◀', '┤'];
    line[centre(lane)] = isEnd ? '│' : through;
    line[centre(lane) + (isRight ? -1 : 1)] = item.isLost ? '╳' : head_;
  }
  line[centre(sender)] = '●';
  return line.join('');
}

function centre(lane: number): number {
  return lane * LANE_WIDTH + HALF;
}
