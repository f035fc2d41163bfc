/** Observes a world and tells what happens as events of the lab. Owns the place within the step, and nothing of the run. */
import { partyName, frameSummary, toStreamEvent } from '../api/stream-event.ts';
import type { EventHead } from '../api/stream-event.ts';
import type { MessageSummary } from '../api/events.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type { Bytes } from '../base/bytes.ts';
import { replicaName } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import type { ClientOutcome } from '../protocol/client-session.ts';
import type { Output } from '../protocol/output.ts';
import type { Party } from '../protocol/ports.ts';
import type { FrameLoss, NodeView, Observer } from '../simulation/observer.ts';
import type { World } from '../simulation/world.ts';
import type { Happening, LabEvent, LabOnlyEvent } from './lab-event.ts';

/** Fields of an event besides its head, for each kind apart. */
type Told = LabOnlyEvent extends infer Event
  ? Event extends unknown
    ? Omit<Event, 'id' | 'node' | 'at_us'>
    : never
  : never;

/** `node2`, `client:c1000000`. */
export function nameOf(party: Party): string {
  return partyName(party.kind === 'replica' ? party.replica : party.client);
}

export class Recorder implements Observer {
  readonly #world: World;
  readonly #tell: (happening: Happening) => void;
  readonly #summaries = new WeakMap<Bytes, MessageSummary>();
  #step = 0;
  #place = 0;
  /** Nobody listens: nothing is made. */
  isMuted: boolean;

  constructor(world: World, isMuted: boolean, tell: (happening: Happening) => void) {
    this.#world = world;
    this.#tell = tell;
    this.isMuted = isMuted;
  }

  /** What happens from now on belongs to this step. */
  set step(step: number) {
    this.#place = step === this.#step ? this.#place : 0;
    this.#step = step;
  }

  released(node: NodeView, output: Output): void {
    if (output.kind === 'event') this.#add(node.id, (head) => toStreamEvent(output.event, head));
  }

  sent(from: Party, to: Party, frame: Bytes): void {
    this.#addMessage(from, frame, (head, message) => ({ ...head, kind: 'message-sent', to: nameOf(to), message }));
  }

  delivered(from: Party, to: Party, frame: Bytes): void {
    this.#addMessage(to, frame, (head, message) => ({
      ...head,
      kind: 'message-received',
      from: nameOf(from),
      message,
    }));
  }

  lost(from: Party, to: Party, frame: Bytes, why: FrameLoss): void {
    this.#addMessage(from, frame, (head, message) => ({ ...head, kind: 'message-lost', to: nameOf(to), message, why }));
  }

  crashed(node: ReplicaId, point: string): void {
    this.#addOwn(node, { kind: 'crashed', point });
  }

  diskLost(node: ReplicaId): void {
    this.#addOwn(node, { kind: 'disk-lost' });
  }

  paused(node: ReplicaId, isPaused: boolean): void {
    this.#addOwn(node, { kind: 'paused', paused: isPaused });
  }

  misbehaves(node: ReplicaId, behaviour: string | undefined): void {
    this.#add(node, (head) => ({ ...head, kind: 'behaviour', behaviour: behaviour ?? null }));
  }

  concluded({ request }: AuthenticatedRequest, outcome: ClientOutcome): void {
    const request_digest = outcome.requestDigest;
    if (outcome.kind === 'executed') {
      const { sequence, result, replies, replayed } = outcome;
      const nodes = replies.toSorted((left, right) => left - right).map(replicaName);
      const text = decodeUtf8(result) ?? `${result.length} bytes`;
      const kind = replayed ? 'replayed' : 'executed';
      this.#addOwn(request.client, { kind: 'answered', request_digest, outcome: kind, sequence, result: text, nodes });
    } else {
      const result = outcome.message;
      const kind = `${outcome.kind}: ${outcome.code}`;
      this.#addOwn(request.client, {
        kind: 'answered',
        request_digest,
        outcome: kind,
        sequence: null,
        result,
        nodes: [],
      });
    }
  }

  readAnswered({ request, digest }: AuthenticatedRequest, result: Bytes): void {
    const text = decodeUtf8(result) ?? `${result.length} bytes`;
    const told = { request_digest: digest, outcome: 'read', sequence: null, result: text, nodes: [] };
    this.#addOwn(request.client, { kind: 'answered', ...told });
  }

  /** What no observer of a world sees. */
  note(told: Extract<Told, { kind: 'invariant-broken' | 'by-hand' }>): void {
    if (!this.isMuted) this.#push({ ...this.#head('lab'), ...told });
  }

  #addOwn(who: ReplicaId | ClientId, told: Told): void {
    if (!this.isMuted) this.#push({ ...this.#head(partyName(who)), ...told });
  }

  #add(who: ReplicaId | ClientId, make: (head: EventHead) => LabEvent): void {
    if (!this.isMuted) this.#push(make(this.#head(partyName(who))));
  }

  #addMessage(party: Party, frame: Bytes, make: (head: EventHead, message: MessageSummary) => LabEvent): void {
    if (this.isMuted) return;
    const message = this.summaryOf(frame);
    if (message !== undefined) this.#push(make(this.#head(nameOf(party)), message));
  }

  /** Undefined for bytes that are no message. */
  summaryOf(frame: Bytes): MessageSummary | undefined {
    const known = this.#summaries.get(frame);
    if (known !== undefined) return known;
    const summary = frameSummary(frame, this.#world.codec);
    if (summary !== undefined) this.#summaries.set(frame, summary);
    return summary;
  }

  #head(node: string): EventHead {
    this.#place += 1;
    return { id: `${this.#step}-${this.#place}`, node, at_us: this.#world.time };
  }

  #push(event: LabEvent): void {
    this.#tell({ step: this.#step, event });
  }
}
