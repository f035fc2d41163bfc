/** The shapes of marks: each kind has its own, so that none is told by its colour alone. */
import { MARK_PHASES } from '../../model/marks.ts';
import type { MarkKind } from '../../model/marks.ts';
import type { Colors } from './colors.ts';
import type { PlacedMark } from './scene.ts';

function colorOf(kind: MarkKind, colors: Colors): string {
  const phase = MARK_PHASES[kind];
  if (phase !== undefined) return colors.phases.get(phase) ?? colors.text;
  return kind === 'started' ? colors.text : kind === 'behaviour' ? colors.warn : colors.bad;
}

/** Requires: the context's origin is the scene's. */
export function paintMark(context: CanvasRenderingContext2D, colors: Colors, { mark, x, y }: PlacedMark): void {
  const color = colorOf(mark.kind, colors);
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = 2;
  context.setLineDash([]);
  context.beginPath();
  switch (mark.kind) {
    case 'pre-prepared':
      context.fillRect(x - 1.5, y - 6, 3, 12);
      break;
    case 'prepared':
      diamond(context, x, y, 6);
      context.fillStyle = colors.surface;
      context.fill();
      context.stroke();
      break;
    case 'committed':
      diamond(context, x, y, 6.5);
      context.fill();
      break;
    case 'executed':
      context.arc(x, y, 6.5, 0, 2 * Math.PI);
      context.fill();
      tick(context, colors, x, y);
      break;
    case 'checkpoint-stable':
      context.rect(x - 5, y - 5, 10, 10);
      context.fill();
      break;
    case 'view-change-started':
      context.moveTo(x, y - 9);
      context.lineTo(x, y + 9);
      context.stroke();
      break;
    case 'view-entered':
      flag(context, colors, `view ${mark.view ?? ''}`, x, y);
      break;
    case 'suspicion':
      triangle(context, x, y);
      context.fill();
      letter(context, colors, '!', x, y + 1);
      break;
    case 'refused':
      context.moveTo(x - 4, y - 4);
      context.lineTo(x + 4, y + 4);
      context.moveTo(x + 4, y - 4);
      context.lineTo(x - 4, y + 4);
      context.stroke();
      break;
    case 'behaviour':
      context.rect(x - 7, y - 7, 14, 14);
      context.fill();
      letter(context, colors, 'B', x, y);
      break;
    case 'started':
      context.arc(x, y, 6, 0, 2 * Math.PI);
      context.fillStyle = colors.surface;
      context.fill();
      context.stroke();
      break;
  }
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.moveTo(x, y - size);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.lineTo(x - size, y);
  context.closePath();
}

function triangle(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.moveTo(x, y - 9);
  context.lineTo(x + 8, y + 6);
  context.lineTo(x - 8, y + 6);
  context.closePath();
}

function tick(context: CanvasRenderingContext2D, colors: Colors, x: number, y: number): void {
  context.beginPath();
  context.strokeStyle = colors.surface;
  context.lineWidth = 1.75;
  context.moveTo(x - 3, y);
  context.lineTo(x - 0.75, y + 2.5);
  context.lineTo(x + 3, y - 2.5);
  context.stroke();
}

function letter(context: CanvasRenderingContext2D, colors: Colors, text: string, x: number, y: number): void {
  context.fillStyle = colors.surface;
  context.font = '800 10px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, x, y);
}

function flag(context: CanvasRenderingContext2D, colors: Colors, text: string, x: number, y: number): void {
  context.font = '700 10px system-ui, sans-serif';
  const width = context.measureText(text).width + 10;
  context.moveTo(x, y + 10);
  context.lineTo(x, y - 18);
  context.stroke();
  context.fillRect(x, y - 18, width, 14);
  context.fillStyle = colors.surface;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillText(text, x + 5, y - 10.5);
}
