/**
 * Camera and playhead of the diagram. It owns the canvas and one animation loop, which runs only while something moves.
 *
 * What happens in a millisecond is shown over about a second: the playhead goes over the scene at a pace that eyes can follow, and where more comes than can
 * be shown at that pace it skips to the newest, one page at a time. Zoomed out far enough, it goes with the clock.
 */
import type { Picture } from '../../model/picture.ts';
import type { Colors } from './colors.ts';
import { paint } from './paint.ts';
import { hitTest, makeScene } from './scene.ts';
import type { Hit, Scene, SceneOptions } from './scene.ts';

export const MIN_PX_PER_MS = 0.2;
export const MAX_PX_PER_MS = 4000;
/** How far the playhead goes in a second, in px: what happens in a millisecond is slowed down to this. */
const PACE_PX = 420;
/** At a scale at which the clock itself goes no faster than this, in px a second, nothing has to be slowed down. */
const READABLE_PX = 1200;
/** A little faster than the clock, to come up with it. */
const CATCH_UP = 1.1;
/** Between the newest and the right edge. */
const MARGIN_PX = 28;
/** A scene is laid out anew at most so often, in ms; between, only the camera moves. */
const LAYOUT_MS = 120;

export interface StageInput {
  readonly picture: Picture;
  readonly options: Omit<SceneOptions, 'pxPerMs'>;
  readonly focus: number | undefined;
  readonly selected: Hit | undefined;
  readonly formatTime: (us: number) => string;
  /** false: what has happened is shown at once. */
  readonly isAnimated: boolean;
}

export interface StageState {
  readonly isFollowing: boolean;
  readonly pxPerMs: number;
}

export class Stage {
  readonly #canvas: HTMLCanvasElement;
  readonly #onState: (state: StageState) => void;
  readonly #onScene: (scene: Scene) => void;
  #input: StageInput | undefined;
  #colors: Colors | undefined;
  #scene: Scene | undefined;
  #laidOutVersion = -1;
  #laidOutMs = 0;
  #isStale = true;
  #width = 0;
  #pxPerMs: number;
  #isFollowing = true;
  /** The time at the middle of the page while it does not follow. */
  #centerUs = 0;
  /** Up to here everything is shown. */
  #headUs: number | undefined;
  #skippedMs = 0;
  #lastFrameMs: number | undefined;
  #frame: number | undefined;
  #hovered: Hit | undefined;

  constructor(
    canvas: HTMLCanvasElement,
    pxPerMs: number,
    told: { readonly onState: (state: StageState) => void; readonly onScene: (scene: Scene) => void },
  ) {
    this.#canvas = canvas;
    this.#pxPerMs = pxPerMs;
    this.#onState = told.onState;
    this.#onScene = told.onScene;
  }

  get scene(): Scene | undefined {
    return this.#scene;
  }

  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  update(input: StageInput): void {
    if (this.#input?.picture !== input.picture) this.#headUs = undefined;
    if (this.#input?.options !== input.options) this.#isStale = true;
    this.#input = input;
    this.#request();
  }

  setColors(colors: Colors): void {
    this.#colors = colors;
    this.#request();
  }

  resize(width: number): void {
    if (width === this.#width) return;
    this.#width = width;
    this.#request();
  }

  follow(isFollowing: boolean): void {
    if (!isFollowing) this.#centerUs = this.#usAt(this.#width / 2);
    this.#isFollowing = isFollowing;
    this.#tell();
  }

  pan(byPx: number): void {
    this.#centerUs = this.#usAt(this.#width / 2 + byPx);
    this.#isFollowing = false;
    this.#tell();
  }

  /** `atX`: what stays where it is, in px from the left edge; the newest while it follows. */
  zoom(factor: number, atX: number = this.#width / 2): void {
    const anchorUs = this.#usAt(atX);
    this.#pxPerMs = Math.min(MAX_PX_PER_MS, Math.max(MIN_PX_PER_MS, this.#pxPerMs * factor));
    this.#layout();
    if (!this.#isFollowing && this.#scene !== undefined) {
      const { axis } = this.#scene;
      this.#centerUs = axis.usOf(axis.xOf(anchorUs) - atX + this.#width / 2);
    }
    this.#tell();
  }

  /** Brings a span of time in full view. How wide it is depends on what is folded in it, and that on the scale: so the scale is searched for. */
  show(fromUs: number, toUs: number): void {
    let [low, high] = [Math.log(MIN_PX_PER_MS), Math.log(MAX_PX_PER_MS)];
    for (let round = 0; round < 12; round += 1) {
      const middle = (low + high) / 2;
      this.#pxPerMs = Math.exp(middle);
      this.#layout();
      const axis = this.#scene?.axis;
      const spanPx = axis === undefined ? 0 : axis.xOf(toUs) - axis.xOf(fromUs);
      if (spanPx > this.#width * 0.86) high = middle;
      else low = middle;
    }
    this.#pxPerMs = Math.exp(low);
    this.#isFollowing = false;
    this.#headUs = undefined;
    this.#layout();
    const axis = this.#scene?.axis;
    if (axis !== undefined) this.#centerUs = axis.usOf((axis.xOf(fromUs) + axis.xOf(toUs)) / 2);
    this.#tell();
  }

  /** Brings a moment into view without a change of scale, unless it is in view. */
  reveal(us: number): void {
    const x = this.#scene?.axis.xOf(us) ?? 0;
    const offset = this.#offsetX();
    if (x >= offset + 24 && x <= offset + this.#width - 24) return;
    this.#isFollowing = false;
    this.#centerUs = us;
    this.#tell();
  }

  hover(x: number | undefined, y = 0): Hit | undefined {
    const hit = x === undefined ? undefined : this.hit(x, y, 8);
    if (hit?.kind !== this.#hovered?.kind || hit?.key !== this.#hovered?.key) {
      this.#hovered = hit;
      this.#request();
    }
    return hit;
  }

  /** What lies at a place of the canvas, in CSS px. */
  hit(x: number, y: number, reach: number): Hit | undefined {
    return this.#scene === undefined ? undefined : hitTest(this.#scene, x + this.#offsetX(), y, reach);
  }

  end(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
  }

  #tell(): void {
    this.#onState({ isFollowing: this.#isFollowing, pxPerMs: this.#pxPerMs });
    this.#request();
  }

  #request(): void {
    this.#frame ??= requestAnimationFrame((nowMs) => {
      this.#frame = undefined;
      this.#draw(nowMs);
    });
  }

  #usAt(x: number): number {
    return this.#scene?.axis.usOf(this.#offsetX() + x) ?? 0;
  }

  #headX(): number {
    const axis = this.#scene?.axis;
    if (axis === undefined) return 0;
    return this.#headUs === undefined ? axis.endX : axis.xOf(this.#headUs);
  }

  #offsetX(): number {
    const axis = this.#scene?.axis;
    if (axis === undefined) return 0;
    if (!this.#isFollowing) return axis.xOf(this.#centerUs) - this.#width / 2;
    // What there is begins at the left until it fills the page.
    return Math.max(-MARGIN_PX, this.#headX() + MARGIN_PX - this.#width);
  }

  #layout(): void {
    const input = this.#input;
    if (input === undefined) return;
    this.#scene = makeScene(input.picture, { ...input.options, pxPerMs: this.#pxPerMs });
    this.#laidOutVersion = input.picture.version;
    this.#isStale = false;
    this.#onScene(this.#scene);
  }

  #draw(nowMs: number): void {
    const [input, colors] = [this.#input, this.#colors];
    const context = this.#canvas.getContext('2d');
    if (input === undefined || colors === undefined || context === null || this.#width === 0) return;
    const isOld = input.picture.version !== this.#laidOutVersion;
    const mayLayOut = nowMs - this.#laidOutMs >= LAYOUT_MS;
    if (this.#scene === undefined || this.#isStale || (isOld && mayLayOut)) {
      this.#layout();
      this.#laidOutMs = nowMs;
    }
    const scene = this.#scene;
    if (scene === undefined) return;
    const isMoving = this.#advance(nowMs, scene, input.isAnimated);
    const ratio = Math.min(3, devicePixelRatio);
    const [pixelWidth, pixelHeight] = [Math.round(this.#width * ratio), Math.round(scene.height * ratio)];
    if (this.#canvas.width !== pixelWidth || this.#canvas.height !== pixelHeight) {
      this.#canvas.width = pixelWidth;
      this.#canvas.height = pixelHeight;
      this.#canvas.style.height = `${scene.height}px`;
    }
    const shown = paint(context, {
      scene,
      colors,
      width: this.#width,
      height: scene.height,
      ratio,
      offsetX: this.#offsetX(),
      headX: this.#headX(),
      focus: input.focus,
      selected: input.selected,
      hovered: this.#hovered,
      unseen: new Set(scene.lanes.filter((lane) => !lane.startsWith('client:') && !input.options.isSeen(lane))),
      formatTime: input.formatTime,
    });
    if (this.#canvas.dataset['arrows'] !== String(shown)) this.#canvas.dataset['arrows'] = String(shown);
    if (isMoving || (isOld && !mayLayOut)) this.#request();
    else this.#lastFrameMs = undefined;
  }

  /** Moves the playhead on; true while it has further to go. */
  #advance(nowMs: number, scene: Scene, isAnimated: boolean): boolean {
    const { axis } = scene;
    if (!isAnimated || !this.#isFollowing) {
      this.#headUs = undefined;
      return false;
    }
    const endX = axis.endX;
    // The first scene and what came before it are history: shown at once.
    this.#headUs ??= axis.usOf(endX);
    const headX = axis.xOf(this.#headUs);
    const lagPx = endX - headX;
    if (lagPx <= 0) return false;
    const clockPx = this.#pxPerMs * 1000 * CATCH_UP;
    const pacePx = clockPx <= READABLE_PX ? Math.max(PACE_PX, clockPx) : PACE_PX;
    const pageMs = (this.#width / pacePx) * 1000;
    // The oldest go: where they go from under the playhead, it cannot finish its page.
    const isGone = headX < Math.min(this.#width, endX - this.#width) && scene.isCut;
    if (isGone || (lagPx > 1.5 * this.#width && nowMs - this.#skippedMs > pageMs)) {
      this.#skippedMs = nowMs;
      // Well past where it counts as gone: it is to be there for a while.
      this.#headUs = axis.usOf(endX - this.#width * (isGone ? 0.5 : 1));
      return true;
    }
    const elapsedMs = Math.min(100, nowMs - (this.#lastFrameMs ?? nowMs));
    this.#lastFrameMs = nowMs;
    const nextX = Math.min(endX, headX + (pacePx * elapsedMs) / 1000);
    this.#headUs = axis.usOf(nextX);
    return nextX < endX;
  }
}
