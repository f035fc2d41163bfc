/**
 * From time to the horizontal: true to scale where something happens, folded where nothing does. A cluster agrees in a few milliseconds and then may rest
 * for minutes; to one scale, one of both could not be seen.
 */

/** A stretch of time in which something happens. */
interface Stretch {
  fromUs: number;
  toUs: number;
}

export interface AxisScale {
  readonly pxPerUs: number;
  /** A pause longer than this is folded, in µs. */
  readonly foldUs: number;
  /** What a folded pause takes, in px. */
  readonly foldPx: number;
}

/** One drawn stretch; x grows with time. */
export interface PlacedStretch {
  readonly fromUs: number;
  readonly toUs: number;
  readonly fromX: number;
  readonly toX: number;
}

/** Stretches that are kept; the oldest go. */
export const MAX_STRETCHES = 2000;

/** At least this much, in px, is drawn of a stretch, so that what happens in a moment can be told apart; it is time that goes on, to scale. */
const MIN_STRETCH_PX = 12;

export class TimeAxis {
  readonly #scale: AxisScale;
  readonly #stretches: Stretch[] = [];
  #placed: readonly PlacedStretch[] | undefined;

  constructor(scale: AxisScale) {
    this.#scale = scale;
  }

  /** Something happens from `fromUs` to `toUs`. In any order. */
  add(fromUs: number, toUs: number): void {
    const { foldUs } = this.#scale;
    const stretches = this.#stretches;
    let index = stretches.length;
    while (index > 0 && (stretches[index - 1]?.fromUs ?? 0) > fromUs) index -= 1;
    const before = stretches[index - 1];
    this.#placed = undefined;
    if (before !== undefined && fromUs - before.toUs <= foldUs) {
      before.toUs = Math.max(before.toUs, toUs);
      this.#join(index - 1);
      return;
    }
    stretches.splice(index, 0, { fromUs, toUs });
    this.#join(index);
    if (stretches.length > MAX_STRETCHES) stretches.splice(0, stretches.length - MAX_STRETCHES);
  }

  /** All stretches with their places, in order; the first begins at 0. */
  get placed(): readonly PlacedStretch[] {
    this.#placed ??= this.#place();
    return this.#placed;
  }

  /** Where everything ends, in px. */
  get endX(): number {
    return this.placed.at(-1)?.toX ?? 0;
  }

  /** Where a time lies, in px. A folded pause is shared evenly by the times in it; outside of everything it goes on for one fold at most. */
  xOf(us: number): number {
    const { pxPerUs, foldPx } = this.#scale;
    const placed = this.placed;
    const index = lastAtOrBefore(placed, us, ({ fromUs }) => fromUs);
    const at = placed[index];
    if (at === undefined) return Math.max(-foldPx, (us - (placed[0]?.fromUs ?? us)) * pxPerUs);
    if (us <= at.toUs) return at.fromX + share(us, at.fromUs, at.toUs) * (at.toX - at.fromX);
    const next = placed[index + 1];
    if (next === undefined) return at.toX + Math.min(foldPx, (us - at.toUs) * pxPerUs);
    return at.toX + share(us, at.toUs, next.fromUs) * (next.fromX - at.toX);
  }

  /** Which time lies there: the inverse of {@link xOf} from the first stretch to the last. */
  usOf(x: number): number {
    const { pxPerUs, foldPx } = this.#scale;
    const placed = this.placed;
    const index = lastAtOrBefore(placed, x, ({ fromX }) => fromX);
    const at = placed[index];
    if (at === undefined) return (placed[0]?.fromUs ?? 0) + Math.max(-foldPx, x) / pxPerUs;
    if (x <= at.toX) return at.fromUs + share(x, at.fromX, at.toX) * (at.toUs - at.fromUs);
    const next = placed[index + 1];
    if (next === undefined) return at.toUs + Math.min(foldPx, x - at.toX) / pxPerUs;
    return at.toUs + share(x, at.toX, next.fromX) * (next.fromUs - at.toUs);
  }

  /** Joins a stretch with those after it that it has come close to. */
  #join(index: number): void {
    const stretch = this.#stretches[index];
    if (stretch === undefined) return;
    let next = this.#stretches[index + 1];
    while (next !== undefined && next.fromUs - stretch.toUs <= this.#scale.foldUs) {
      stretch.toUs = Math.max(stretch.toUs, next.toUs);
      this.#stretches.splice(index + 1, 1);
      next = this.#stretches[index + 1];
    }
  }

  #place(): readonly PlacedStretch[] {
    const { pxPerUs, foldPx } = this.#scale;
    let x = 0;
    return this.#stretches.map(({ fromUs, toUs }) => {
      const fromX = x;
      const endUs = Math.max(toUs, fromUs + MIN_STRETCH_PX / pxPerUs);
      const toX = fromX + (endUs - fromUs) * pxPerUs;
      x = toX + foldPx;
      return { fromUs, toUs: endUs, fromX, toX };
    });
  }
}

/** How far `value` is on the way from `from` to `to`: 0 to 1. */
function share(value: number, from: number, to: number): number {
  return to === from ? 0 : (value - from) / (to - from);
}

/** The index of the last element that begins at or before `value`; −1 where all begin after it. */
function lastAtOrBefore(
  placed: readonly PlacedStretch[],
  value: number,
  beginOf: (stretch: PlacedStretch) => number,
): number {
  let low = -1;
  let high = placed.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const stretch = placed[middle];
    if (stretch !== undefined && beginOf(stretch) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
