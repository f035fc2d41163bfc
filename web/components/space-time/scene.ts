/** The diagram before it is drawn: lanes, axis, and where each arrow and mark lies. Pure; made anew when the picture has changed. */
import { spanOf } from '../../model/arrows.ts';
import type { Arrow, Fate } from '../../model/arrows.ts';
import type { Phase } from '../../model/language.ts';
import { MARK_PHASES } from '../../model/marks.ts';
import type { Mark } from '../../model/marks.ts';
import type { Picture } from '../../model/picture.ts';
import { TimeAxis } from '../../model/time-axis.ts';

/** Arrows that are laid out: what is older is off the page for long. */
const MAX_SCENE_ARROWS = 1500;
const MAX_SCENE_MARKS = 1500;

export interface SceneOptions {
  readonly pxPerMs: number;
  /** What an arrow takes of which one end is unknown, in ms. */
  readonly guessMs: number;
  readonly hidden: ReadonlySet<Phase>;
  readonly isSeen: (party: string) => boolean;
  readonly laneHeight: number;
}

/** A pause that would take more than this is folded to the width after it, in px. */
const LONGEST_PAUSE_PX = 220;
export const FOLD_PX = 40;
/** Above the first lane: times. */
export const HEAD_PX = 34;
const FOOT_PX = 10;

export interface PlacedArrow {
  readonly arrow: Arrow;
  readonly fate: Fate;
  readonly fromX: number;
  readonly fromY: number;
  readonly toX: number;
  readonly toY: number;
}

export interface PlacedMark {
  readonly mark: Mark;
  readonly x: number;
  readonly y: number;
}

export interface Scene {
  readonly lanes: readonly string[];
  readonly axis: TimeAxis;
  /** By the time of their beginning. */
  readonly arrows: readonly PlacedArrow[];
  readonly marks: readonly PlacedMark[];
  /** There was more, older, that has no room here. */
  readonly isCut: boolean;
  readonly height: number;
  readonly laneHeight: number;
}

/** Where the line of a lane is. */
export function laneY(index: number, laneHeight: number): number {
  return HEAD_PX + (index + 0.5) * laneHeight;
}

/** A message to oneself is no arrow; everything else between known lanes is. */
export function makeScene(picture: Picture, options: SceneOptions): Scene {
  const { hidden, laneHeight } = options;
  const lanes = [...picture.clients, ...picture.members.nodes];
  const yOf = new Map(lanes.map((name, index) => [name, laneY(index, laneHeight)]));
  const guessUs = options.guessMs * 1000;
  const axis = new TimeAxis({
    pxPerUs: options.pxPerMs / 1000,
    foldUs: (LONGEST_PAUSE_PX / options.pxPerMs) * 1000,
    foldPx: FOLD_PX,
  });
  const { list } = picture.arrows;
  const shown: { readonly arrow: Arrow; readonly span: ReturnType<typeof spanOf> }[] = [];
  for (let at = list.length - 1; at >= 0 && shown.length < MAX_SCENE_ARROWS; at -= 1) {
    const arrow = list[at];
    if (arrow === undefined || hidden.has(arrow.phase) || !yOf.has(arrow.from) || !yOf.has(arrow.to)) continue;
    if (arrow.from !== arrow.to) shown.push({ arrow, span: spanOf(arrow, guessUs) });
  }
  shown.reverse().sort((left, right) => left.span.fromUs - right.span.fromUs);
  for (const { span } of shown) axis.add(span.fromUs, span.toUs);
  const oldestUs = shown.length < MAX_SCENE_ARROWS ? 0 : (shown[0]?.span.fromUs ?? 0);
  const marks = picture.marks.list
    .filter((mark) => mark.atUs >= oldestUs && isMarkShown(mark, hidden) && yOf.has(mark.node))
    .slice(-MAX_SCENE_MARKS);
  for (const { atUs } of marks) axis.add(atUs, atUs);
  return {
    lanes,
    axis,
    laneHeight,
    isCut: shown.length === MAX_SCENE_ARROWS,
    height: HEAD_PX + lanes.length * laneHeight + FOOT_PX,
    arrows: shown.map(({ arrow, span }) => ({
      arrow,
      fate: picture.fateOf(arrow, options.isSeen),
      fromX: axis.xOf(span.fromUs),
      fromY: yOf.get(arrow.from) ?? 0,
      toX: axis.xOf(span.toUs),
      toY: yOf.get(arrow.to) ?? 0,
    })),
    marks: marks.map((mark) => ({ mark, x: axis.xOf(mark.atUs), y: yOf.get(mark.node) ?? 0 })),
  };
}

function isMarkShown(mark: Mark, hidden: ReadonlySet<Phase>): boolean {
  const phase = MARK_PHASES[mark.kind];
  return phase === undefined || !hidden.has(phase);
}

/** What the pointer means: a mark, else the nearest arrow; undefined where there is nothing near. */
export type Hit = { readonly kind: 'arrow'; readonly key: number } | { readonly kind: 'mark'; readonly key: number };

/** `x`, `y`: in the scene's own px. `reach`: how far off still counts, in px. */
export function hitTest(scene: Scene, x: number, y: number, reach: number): Hit | undefined {
  let best: Hit | undefined;
  let bestDistance = reach;
  for (const placed of scene.marks) {
    const distance = Math.hypot(placed.x - x, placed.y - y);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = { kind: 'mark', key: placed.mark.key };
    }
  }
  if (best !== undefined) return best;
  for (const placed of scene.arrows) {
    const distance = distanceTo(placed, x, y);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = { kind: 'arrow', key: placed.arrow.key };
    }
  }
  return best;
}

function distanceTo({ fromX, fromY, toX, toY }: PlacedArrow, x: number, y: number): number {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - fromX) * dx + (y - fromY) * dy) / length));
  return Math.hypot(fromX + along * dx - x, fromY + along * dy - y);
}
