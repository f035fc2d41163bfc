/** Draws a scene on a canvas. One pass a phase: a style is set once for all its arrows, so that hundreds of them cost little. */
import { PHASE_LOOKS, PHASES } from '../../model/language.ts';
import type { Phase } from '../../model/language.ts';
import type { Colors } from './colors.ts';
import { paintMark } from './paint-marks.ts';
import { HEAD_PX, laneY } from './scene.ts';
import type { Hit, PlacedArrow, PlacedMark, Scene } from './scene.ts';

export interface Frame {
  readonly scene: Scene;
  readonly colors: Colors;
  /** In CSS px; one of them is `ratio` px of the canvas. */
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
  /** The scene's x at the left edge. */
  readonly offsetX: number;
  /** Nothing after this x has happened yet, as far as is shown. */
  readonly headX: number;
  /** Slot that is looked at: everything else steps back. */
  readonly focus: number | undefined;
  readonly selected: Hit | undefined;
  readonly hovered: Hit | undefined;
  /** Lanes of which nothing is known at present. */
  readonly unseen: ReadonlySet<string>;
  readonly formatTime: (us: number) => string;
}

/** Letters are written on arrows while there are at most so many of them in sight. */
const MAX_LETTERED = 90;
const FAINT = 0.16;
/** At most for one character of a time, in px. */
const LABEL_PX = 7;
const FONT = '11px system-ui, sans-serif';

/** Draws everything anew; how many arrows are in sight. */
export function paint(context: CanvasRenderingContext2D, frame: Frame): number {
  const { scene, width, height, ratio, offsetX, headX } = frame;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  paintTimes(context, frame);
  paintLanes(context, frame);
  const arrows = scene.arrows.filter(({ fromX, toX }) => toX >= offsetX && fromX <= offsetX + width && fromX <= headX);
  context.save();
  context.translate(-offsetX, 0);
  const byPhase = Map.groupBy(arrows, ({ arrow }) => arrow.phase);
  for (const phase of PHASES) {
    const [near, far] = split(byPhase.get(phase) ?? [], frame.focus);
    context.globalAlpha = FAINT;
    paintArrows(context, frame, phase, far);
    context.globalAlpha = 1;
    paintArrows(context, frame, phase, near);
  }
  if (arrows.length <= MAX_LETTERED) for (const placed of arrows) paintLetter(context, frame, placed);
  paintChosen(context, frame, arrows);
  for (const placed of scene.marks) {
    if (placed.x < offsetX - 20 || placed.x > offsetX + width + 20 || placed.x > headX) continue;
    context.globalAlpha = isFar(placed.mark.sequence, frame.focus) ? FAINT : 1;
    paintMark(context, frame.colors, placed);
    if (isHit(frame.selected, placed) || isHit(frame.hovered, placed)) ring(context, frame, placed);
  }
  context.restore();
  return arrows.length;
}

function isFar(sequence: number | null | undefined, focus: number | undefined): boolean {
  return focus !== undefined && sequence !== focus;
}

function split(
  arrows: readonly PlacedArrow[],
  focus: number | undefined,
): readonly [near: readonly PlacedArrow[], far: readonly PlacedArrow[]] {
  if (focus === undefined) return [arrows, []];
  const near = arrows.filter(({ arrow }) => arrow.message.sequence === focus);
  return [near, arrows.filter(({ arrow }) => arrow.message.sequence !== focus)];
}

/** Stretches of time, the folds between them, and ticks. */
function paintTimes(context: CanvasRenderingContext2D, frame: Frame): void {
  const { scene, colors, width, height, offsetX, formatTime } = frame;
  context.font = FONT;
  context.textBaseline = 'middle';
  let freeX = -Infinity;
  const placed = scene.axis.placed;
  for (const [index, { fromUs, toUs, fromX, toX }] of placed.entries()) {
    const next = placed[index + 1];
    if ((next?.fromX ?? toX) < offsetX || fromX > offsetX + width) continue;
    const [left, right] = [fromX - offsetX, toX - offsetX];
    context.fillStyle = colors.sunk;
    context.fillRect(left - 6, HEAD_PX - 6, right - left + 12, height - HEAD_PX);
    if (left >= freeX) {
      const label = formatTime(fromUs);
      context.fillStyle = colors.soft;
      context.textAlign = 'left';
      context.fillText(label, left, 10);
      freeX = left + label.length * LABEL_PX + 16;
    }
    paintTicks(context, frame, { fromUs, toUs, left, right });
    if (next !== undefined) paintFold(context, frame, right, next.fromUs - toUs);
  }
}

const TICKS_MS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
const TICK_PX = 64;

interface Ticked {
  readonly fromUs: number;
  readonly toUs: number;
  readonly left: number;
  readonly right: number;
}

function paintTicks(
  context: CanvasRenderingContext2D,
  { colors, height, width }: Frame,
  { fromUs, toUs, left, right }: Ticked,
): void {
  const pxPerMs = ((right - left) / Math.max(1, toUs - fromUs)) * 1000;
  const step = TICKS_MS.find((ms) => ms * pxPerMs >= TICK_PX);
  if (step === undefined || toUs === fromUs) return;
  context.strokeStyle = colors.line;
  context.fillStyle = colors.soft;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.textAlign = 'center';
  const first = Math.max(1, Math.floor(-left / (step * pxPerMs)));
  const last = Math.min((toUs - fromUs) / 1000 / step, (width - left) / (step * pxPerMs));
  context.beginPath();
  for (let tick = first; tick <= last; tick += 1) {
    const x = Math.round(left + tick * step * pxPerMs) + 0.5;
    context.moveTo(x, HEAD_PX - 6);
    context.lineTo(x, height - 6);
    const ms = tick * step;
    context.fillText(tickText(ms, step), x, 22);
  }
  context.stroke();
}

/** `+0.2 ms`, `+12 ms`, `+1.5 s`, as fine as the ticks are. */
function tickText(ms: number, stepMs: number): string {
  if (ms >= 1000) return `+${(ms / 1000).toFixed(stepMs < 1000 ? 2 : 0)} s`;
  return `+${stepMs < 1 ? ms.toFixed(stepMs < 0.1 ? 2 : 1) : ms} ms`;
}

function paintFold(context: CanvasRenderingContext2D, { colors, height }: Frame, x: number, pauseUs: number): void {
  context.fillStyle = colors.soft;
  context.textAlign = 'center';
  context.save();
  context.translate(x + 20, (HEAD_PX + height) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(`⋯ ${pauseText(pauseUs)} ⋯`, 0, 0);
  context.restore();
}

/** A pause in the unit that suits it. */
export function pauseText(us: number): string {
  const ms = us / 1000;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

function paintLanes(context: CanvasRenderingContext2D, { scene, colors, width, unseen }: Frame): void {
  context.lineWidth = 1.5;
  for (const [index, lane] of scene.lanes.entries()) {
    const y = Math.round(laneY(index, scene.laneHeight)) + 0.5;
    context.strokeStyle = unseen.has(lane) ? colors.bad : colors.soft;
    context.globalAlpha = unseen.has(lane) ? 0.7 : 0.45;
    context.setLineDash(unseen.has(lane) ? [3, 7] : []);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
  }
  context.globalAlpha = 1;
  context.setLineDash([]);
}

/** Where an arrow ends for now: at its receiver, on the way, or where it was lost. */
function tipOf({ fromX, fromY, toX, toY, fate }: PlacedArrow, headX: number): { x: number; y: number; share: number } {
  const length = toX - fromX;
  const reached = length <= 0 ? 1 : Math.min(1, (headX - fromX) / length);
  const share = Math.min(reached, fate === 'lost' ? 0.62 : 1);
  return { x: fromX + length * share, y: fromY + (toY - fromY) * share, share };
}

function paintArrows(
  context: CanvasRenderingContext2D,
  { colors, headX }: Frame,
  phase: Phase,
  arrows: readonly PlacedArrow[],
): void {
  if (arrows.length === 0) return;
  const look = PHASE_LOOKS[phase];
  const color = colors.phases.get(phase) ?? colors.text;
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = look.width;
  context.setLineDash([...look.dash]);
  context.beginPath();
  for (const placed of arrows) {
    const tip = tipOf(placed, headX);
    context.moveTo(placed.fromX, placed.fromY);
    context.lineTo(tip.x, tip.y);
  }
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  for (const placed of arrows)
    if (placed.fate === 'received' && tipOf(placed, headX).share === 1) head(context, placed);
  context.fill();
  context.lineWidth = 1.5;
  for (const placed of arrows) if (placed.fate !== 'received') paintEnd(context, placed, headX);
}

function head(context: CanvasRenderingContext2D, { fromX, fromY, toX, toY }: PlacedArrow): void {
  const angle = Math.atan2(toY - fromY, toX - fromX);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  context.moveTo(toX, toY);
  context.lineTo(toX - 8 * cos + 3.5 * sin, toY - 8 * sin - 3.5 * cos);
  // Filling closes it.
  context.lineTo(toX - 8 * cos - 3.5 * sin, toY - 8 * sin + 3.5 * cos);
}

/** Lost: a cross. Under way: a ring. Nobody tells: an open head. */
function paintEnd(context: CanvasRenderingContext2D, placed: PlacedArrow, headX: number): void {
  const { x, y } = tipOf(placed, headX);
  context.beginPath();
  if (placed.fate === 'lost') {
    context.moveTo(x - 4, y - 4);
    context.lineTo(x + 4, y + 4);
    context.moveTo(x + 4, y - 4);
    context.lineTo(x - 4, y + 4);
  } else if (placed.fate === 'in-flight') context.arc(x, y, 3.5, 0, 2 * Math.PI);
  else {
    const angle = Math.atan2(placed.toY - placed.fromY, placed.toX - placed.fromX);
    for (const side of [-0.45, 0.45]) {
      context.moveTo(x, y);
      context.lineTo(x - 8 * Math.cos(angle + side), y - 8 * Math.sin(angle + side));
    }
  }
  context.stroke();
}

function paintLetter(context: CanvasRenderingContext2D, frame: Frame, placed: PlacedArrow): void {
  const { fromX, fromY, toX, toY, arrow } = placed;
  if (Math.hypot(toX - fromX, toY - fromY) < 48 || tipOf(placed, frame.headX).share < 0.4) return;
  const look = PHASE_LOOKS[arrow.phase];
  const [x, y] = [fromX + (toX - fromX) * 0.28, fromY + (toY - fromY) * 0.28];
  context.globalAlpha = isFar(arrow.message.sequence, frame.focus) ? FAINT : 1;
  context.font = `700 9.5px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineWidth = 3;
  context.strokeStyle = frame.colors.surface;
  context.strokeText(look.letter, x, y);
  context.fillStyle = frame.colors.phases.get(arrow.phase) ?? frame.colors.text;
  context.fillText(look.letter, x, y);
  context.globalAlpha = 1;
}

function paintChosen(context: CanvasRenderingContext2D, frame: Frame, arrows: readonly PlacedArrow[]): void {
  for (const placed of arrows) {
    const isSelected = frame.selected?.kind === 'arrow' && frame.selected.key === placed.arrow.key;
    const isHovered = frame.hovered?.kind === 'arrow' && frame.hovered.key === placed.arrow.key;
    if (!isSelected && !isHovered) continue;
    context.strokeStyle = isSelected ? frame.colors.accent : frame.colors.text;
    context.globalAlpha = isSelected ? 0.45 : 0.25;
    context.lineWidth = 9;
    context.lineCap = 'round';
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(placed.fromX, placed.fromY);
    const tip = tipOf(placed, frame.headX);
    context.lineTo(tip.x, tip.y);
    context.stroke();
    context.lineCap = 'butt';
    context.globalAlpha = 1;
  }
}

function isHit(hit: Hit | undefined, { mark }: PlacedMark): boolean {
  return hit?.kind === 'mark' && hit.key === mark.key;
}

function ring(context: CanvasRenderingContext2D, { colors }: Frame, { x, y }: PlacedMark): void {
  context.strokeStyle = colors.accent;
  context.lineWidth = 2.5;
  context.beginPath();
  context.arc(x, y, 12, 0, 2 * Math.PI);
  context.stroke();
}
