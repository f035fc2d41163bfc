/**
 * The space-time diagram: a lane for each client and replica, time from left to right, an arrow for each message that was sent. Mouse, touch and
 * keyboard do the same; whoever sees no canvas has every message as a table.
 */
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Phase } from '../../model/language.ts';
import type { Picture } from '../../model/picture.ts';
import { useElementWidth, useMedia, useScheme } from '../environment.ts';
import { partyText } from '../text.ts';
import { readColors } from './colors.ts';
import { describeHit, Details } from './details.tsx';
import { Legend } from './legend.tsx';
import { MessageTable } from './message-table.tsx';
import { HEAD_PX } from './scene.ts';
import type { Hit, Scene } from './scene.ts';
import { Stage } from './stage.ts';
import type { StageState } from './stage.ts';
import './space-time.css';

export interface SpaceTimeProps {
  readonly picture: Picture;
  /** The picture's version that is to be drawn. */
  readonly version: number;
  /** Whether what a party does is known: its stream is open. Clients have none. */
  readonly isSeen: (party: string) => boolean;
  /** Slot that is looked at. */
  readonly focus: number | undefined;
  readonly onFocus: (sequence: number | undefined) => void;
  /** Defaults suit a cluster on one machine; a simulated network is slower. */
  readonly pxPerMs?: number;
  readonly guessMs?: number;
  readonly formatTime: (us: number) => string;
  /** false: what has happened is shown at once (the lab paces itself). */
  readonly isPaced?: boolean;
  /** More that can be done with what is selected. */
  readonly actions?: (hit: Hit) => ComponentChildren;
  /** Called whenever the selection changes, by whatever means. */
  readonly onSelect?: (hit: Hit | undefined) => void;
}

/** Messages that only repair come all the time and would hide the rest. */
const HIDDEN_AT_FIRST: ReadonlySet<Phase> = new Set<Phase>(['repair']);

export function SpaceTime(props: SpaceTimeProps): VNode {
  const { picture, version, isSeen, focus, onFocus, formatTime, isPaced = true } = props;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage>(undefined);
  const [hidden, setHidden] = useState(HIDDEN_AT_FIRST);
  const [selected, setSelected] = useState<Hit>();
  const [state, setState] = useState<StageState>({ isFollowing: true, pxPerMs: props.pxPerMs ?? 45 });
  const [lanes, setLanes] = useState<readonly string[]>([]);
  const width = useElementWidth(frame);
  const scheme = useScheme();
  const isStill = useMedia('(prefers-reduced-motion: reduce)');
  const isNarrow = useMedia('(max-width: 40rem)');
  const laneHeight = laneHeightFor(picture.members.nodes.length + picture.clients.length, isNarrow);

  const options = useMemo(
    () => ({
      hidden,
      isSeen,
      laneHeight,
      guessMs: props.guessMs ?? 0.35,
    }),
    [hidden, isSeen, laneHeight, props.guessMs],
  );

  useEffect(() => {
    if (canvas.current === null) return undefined;
    const onScene = (scene: Scene): void =>
      setLanes((known) => (known.join() === scene.lanes.join() ? known : scene.lanes));
    const made = new Stage(canvas.current, props.pxPerMs ?? 45, { onState: setState, onScene });
    stage.current = made;
    return () => made.end();
  }, []);
  useEffect(() => {
    if (frame.current !== null) stage.current?.setColors(readColors(frame.current));
  }, [scheme]);
  useEffect(() => stage.current?.resize(width), [width]);
  useEffect(() => {
    const isAnimated = isPaced && !isStill;
    stage.current?.update({ picture, options, focus, selected, formatTime, isAnimated });
  }, [picture, version, options, focus, selected, formatTime, isPaced, isStill]);

  const select = (hit: Hit | undefined, isMoved: boolean): void => {
    setSelected(hit);
    props.onSelect?.(hit);
    if (hit === undefined || !isMoved) return;
    const us = timeOf(picture, hit);
    if (us !== undefined) stage.current?.reveal(us);
  };
  const toggle = (phase: Phase): void => {
    const next = new Set(hidden);
    if (!next.delete(phase)) next.add(phase);
    setHidden(next);
  };
  const fit = (): void => {
    const span = spanToShow(stage.current?.scene, focus);
    if (span !== undefined) stage.current?.show(span.fromUs, span.toUs);
  };
  useEffect(() => {
    if (focus === undefined) stage.current?.follow(true);
    else fit();
  }, [focus]);

  const pointer = usePointer(stage, (hit) => select(hit, false));
  return (
    <div class="space-time">
      <div class="space-time-bar">
        <Legend hidden={hidden} onToggle={toggle} />
        <div class="button-row" role="group" aria-label="View of the diagram">
          {focus === undefined ? undefined : (
            <button
              type="button"
              class="button"
              onClick={() => {
                onFocus(undefined);
                // The button goes: the diagram is what it was about.
                frame.current?.focus();
              }}
            >
              Show all, not only number {focus}
            </button>
          )}
          <button
            type="button"
            class="button"
            aria-pressed={state.isFollowing}
            onClick={() => stage.current?.follow(!state.isFollowing)}
          >
            Follow
          </button>
          <button type="button" class="button" onClick={fit}>
            Fit
          </button>
          <button type="button" class="button" aria-label="Zoom out" onClick={() => stage.current?.zoom(1 / 1.5)}>
            −
          </button>
          <button type="button" class="button" aria-label="Zoom in" onClick={() => stage.current?.zoom(1.5)}>
            +
          </button>
        </div>
      </div>
      <div class="space-time-frame">
        <ol class="space-time-lanes" style={{ paddingTop: `${HEAD_PX}px` }} aria-label="Lanes">
          {lanes.map((lane) => (
            <li key={lane} style={{ height: `${laneHeight}px` }}>
              <LaneName lane={lane} picture={picture} isSeen={isSeen} />
            </li>
          ))}
        </ol>
        <div
          ref={frame}
          class="space-time-view"
          role="application"
          aria-label="Space-time diagram of messages"
          aria-describedby="space-time-keys"
          tabIndex={0}
          onKeyDown={(event) => {
            if (!stage.current) return;
            if (onKey(event, { stage: stage.current, selected, select: (hit) => select(hit, true) }))
              event.preventDefault();
          }}
        >
          <canvas ref={canvas} aria-hidden="true" {...pointer} />
          {picture.arrows.list.every(({ phase }) => hidden.has(phase)) ? (
            <p class="space-time-empty">
              No message yet. Send a request, and each message that it causes is drawn here.
            </p>
          ) : undefined}
        </div>
      </div>
      <p id="space-time-keys" class="tiny soft">
        Keys: ← → from message to message, Shift + ← → along time, + and − zoom, F follow, Escape lets go. Pauses are
        folded.
      </p>
      <p class="hidden-text" aria-live="polite">
        {selected === undefined ? '' : describeHit(picture, selected)}
      </p>
      <Details
        picture={picture}
        selected={selected}
        formatTime={formatTime}
        isSeen={isSeen}
        onFocus={onFocus}
        actions={props.actions}
      />
      <MessageTable
        picture={picture}
        version={version}
        isSeen={isSeen}
        hidden={hidden}
        formatTime={formatTime}
        onSelect={(hit) => select(hit, true)}
      />
    </div>
  );
}

function LaneName({ lane, picture, isSeen }: { lane: string } & Pick<SpaceTimeProps, 'picture' | 'isSeen'>): VNode {
  const node = picture.nodes.get(lane);
  if (node === undefined)
    return (
      <span class="mono tiny" title={lane}>
        {partyText(lane)}
      </span>
    );
  return (
    <span class={isSeen(lane) ? '' : 'unseen'}>
      {lane}
      {isSeen(lane) ? undefined : <span class="tiny"> ✕ not heard</span>}
    </span>
  );
}

function laneHeightFor(lanes: number, isNarrow: boolean): number {
  if (lanes > 12) return 30;
  if (lanes > 8) return 38;
  return isNarrow ? 44 : 54;
}

function timeOf(picture: Picture, hit: Hit): number | undefined {
  if (hit.kind === 'mark') return picture.marks.list.find(({ key }) => key === hit.key)?.atUs;
  const arrow = picture.arrows.list.find(({ key }) => key === hit.key);
  return arrow?.sentUs ?? arrow?.receivedUs;
}

/** The slot that is looked at, else the last stretch in which anything happened. */
function spanToShow(scene: Scene | undefined, focus: number | undefined): { fromUs: number; toUs: number } | undefined {
  if (scene === undefined) return undefined;
  const last = scene.axis.placed.at(-1);
  if (focus === undefined) return last;
  const ofSlot = scene.arrows.filter(({ arrow }) => arrow.message.sequence === focus);
  const times = [
    ...ofSlot.flatMap(({ arrow }) => [arrow.sentUs, arrow.receivedUs]),
    ...scene.marks.filter(({ mark }) => mark.sequence === focus).map(({ mark }) => mark.atUs),
  ].filter((us) => us !== undefined);
  if (times.length === 0) return last;
  const [fromUs, toUs] = [Math.min(...times), Math.max(...times)];
  return { fromUs, toUs: toUs + (toUs - fromUs) * 0.1 };
}

interface KeyTarget {
  readonly stage: Stage;
  readonly selected: Hit | undefined;
  readonly select: (hit: Hit | undefined) => void;
}

/** True where the key meant something. */
function onKey(event: KeyboardEvent, { stage, selected, select }: KeyTarget): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  switch (event.key) {
    case 'ArrowLeft':
    case 'ArrowRight': {
      const direction = event.key === 'ArrowLeft' ? -1 : 1;
      if (event.shiftKey) stage.pan(direction * 120);
      else select(neighbour(stage.scene, selected, direction));
      return true;
    }
    case 'Home':
    case 'End': {
      const placed = event.key === 'Home' ? stage.scene?.arrows[0] : stage.scene?.arrows.at(-1);
      select(placed && { kind: 'arrow', key: placed.arrow.key });
      return true;
    }
    case '+':
    case '=':
      stage.zoom(1.5);
      return true;
    case '-':
      stage.zoom(1 / 1.5);
      return true;
    case 'f':
    case 'F':
      stage.follow(!stage.isFollowing);
      return true;
    case 'Escape':
      select(undefined);
      return selected !== undefined;
    default:
      return false;
  }
}

/** The message before or after the one that is selected, by the time of sending; without one the last. */
function neighbour(scene: Scene | undefined, selected: Hit | undefined, direction: number): Hit | undefined {
  const arrows = scene?.arrows ?? [];
  const index = arrows.findIndex(({ arrow }) => selected?.kind === 'arrow' && arrow.key === selected.key);
  const next = index === -1 ? arrows.at(-1) : arrows[Math.max(0, Math.min(arrows.length - 1, index + direction))];
  return next && { kind: 'arrow', key: next.arrow.key };
}

/** Drag pans, a click selects, two fingers or ctrl + wheel zoom. */
function usePointer(stage: { readonly current: Stage | undefined }, onSelect: (hit: Hit | undefined) => void) {
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const moved = useRef(0);
  const place = (event: PointerEvent | WheelEvent): { x: number; y: number } => ({
    x: event.offsetX,
    y: event.offsetY,
  });
  return {
    onPointerDown: (event: PointerEvent) => {
      pointers.current.set(event.pointerId, place(event));
      moved.current = 0;
      if (event.currentTarget instanceof Element) event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent) => {
      const { x, y } = place(event);
      const before = pointers.current.get(event.pointerId);
      if (before === undefined) {
        const hit = stage.current?.hover(x, y);
        if (event.currentTarget instanceof HTMLElement)
          event.currentTarget.style.cursor = hit === undefined ? 'grab' : 'pointer';
        return;
      }
      const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
      pointers.current.set(event.pointerId, { x, y });
      if (other !== undefined) {
        moved.current = Infinity;
        const factor = Math.max(20, Math.abs(x - other.x)) / Math.max(20, Math.abs(before.x - other.x));
        stage.current?.zoom(factor, (x + other.x) / 2);
        return;
      }
      moved.current += Math.abs(x - before.x);
      if (moved.current > 4) stage.current?.pan(before.x - x);
    },
    onPointerUp: (event: PointerEvent) => {
      const { x, y } = place(event);
      pointers.current.delete(event.pointerId);
      if (moved.current <= 4) onSelect(stage.current?.hit(x, y, event.pointerType === 'mouse' ? 9 : 18));
    },
    onPointerCancel: (event: PointerEvent) => void pointers.current.delete(event.pointerId),
    onPointerLeave: () => void stage.current?.hover(undefined),
    onWheel: (event: WheelEvent) => {
      if (event.ctrlKey) {
        event.preventDefault();
        stage.current?.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, place(event).x);
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        stage.current?.pan(event.shiftKey ? event.deltaY : event.deltaX);
      }
    },
  };
}
