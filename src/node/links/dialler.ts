/**
 * The link to one replica, from the side that dials: connects, proves who it is, checks who answers, and starts again with a growing pause
 * whenever it ends. While it is down everything sent is dropped: the protocol repairs, and old messages would only be in the way.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Bytes } from '../../base/bytes.ts';
import { replicaName } from '../../base/ids.ts';
import type { Digest, ReplicaId } from '../../base/ids.ts';
import type { MacPrimitive } from '../../protocol/config.ts';
import type { Party } from '../../protocol/ports.ts';
import type { Identity, PublicIdentity } from '../identity.ts';
import { plainBytes } from '../keys.ts';
import { Connection, noTraffic } from './connection.ts';
import type { Traffic } from './connection.ts';
import { FRAME } from './framing.ts';
import type { FrameKind } from './framing.ts';
import { decodeGreeting, encodeHello, judgeMac, NONCE_BYTES, partyName, verifyAccept } from './handshake.ts';
import type { Greeting } from './handshake.ts';
import type { LinkRefusal, LinkSettings } from './settings.ts';
import { dialled } from './transport.ts';
import type { Address } from './transport.ts';

/** Where a replica listens and which keys it must have. */
export interface ReplicaAddress extends Address {
  readonly id: ReplicaId;
  readonly identity: PublicIdentity;
}

/** Who dials. */
export interface DiallerSelf {
  readonly clusterId: Digest;
  readonly mac: MacPrimitive;
  readonly party: Party;
  readonly identity: Identity;
}

export interface DiallerHandlers {
  onConnected(): void;
  onDisconnected(): void;
  /** Undefined: this link carries messages one way only, and a message on it ends it. */
  readonly onFrame: ((frame: Bytes) => void) | undefined;
  onRefused(refusal: LinkRefusal): void;
}

/** What is known of the link just now. */
export interface DialledLinkStats extends Readonly<Traffic> {
  readonly replica: ReplicaId;
  readonly connected: boolean;
  readonly queuedBytes: number;
  /** Of the last ping, in ms; undefined until one was answered. */
  readonly roundTripMs: number | undefined;
}

/** What a hello was said on, until it is accepted. */
interface Said {
  readonly greeting: Bytes;
  readonly hello: Bytes;
}

export class Dialler {
  readonly #target: ReplicaAddress;
  readonly #self: DiallerSelf;
  readonly #settings: LinkSettings;
  readonly #handlers: DiallerHandlers;
  readonly #traffic = noTraffic();
  #connection: Connection | undefined;
  #said: Said | undefined;
  #connected = false;
  #connectedAt = 0;
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  #waiting = false;
  #pingedAt = 0;
  #pingOpen = false;
  #roundTripMs: number | undefined;
  #closed = false;
  readonly #awaitGone: (() => void)[] = [];

  constructor(target: ReplicaAddress, self: DiallerSelf, settings: LinkSettings, handlers: DiallerHandlers) {
    this.#target = target;
    this.#self = self;
    this.#settings = settings;
    this.#handlers = handlers;
  }

  /** Begins to dial; harmless when it has begun already. */
  start(): void {
    if (this.#connection === undefined && !this.#waiting && !this.#closed) this.#dial();
  }

  /** The replica was heard from: if the next attempt is still far away, it is made soon. */
  hurry(): void {
    if (!this.#waiting || this.#closed) return;
    clearTimeout(this.#timer);
    this.#attempts = 0;
    this.#waitAndDial();
  }

  /** False: dropped, since the link is down or too much waits for it. */
  send(frame: Bytes): boolean {
    if (this.#connected && this.#connection !== undefined) return this.#connection.send(FRAME.message, frame);
    this.#traffic.droppedFrames += 1;
    return false;
  }

  stats(): DialledLinkStats {
    const queuedBytes = this.#connection?.queuedBytes ?? 0;
    return {
      ...this.#traffic,
      replica: this.#target.id,
      connected: this.#connected,
      queuedBytes,
      roundTripMs: this.#roundTripMs,
    };
  }

  /** To be called regularly: pings and looks for a dead peer. */
  check(now: number): void {
    this.#connection?.check(now);
    if (this.#connected && now - this.#pingedAt >= this.#settings.pingIntervalMs) {
      if (!this.#pingOpen) this.#pingedAt = now;
      this.#pingOpen = true;
      this.#connection?.ping();
    }
  }

  forgive(now: number): void {
    this.#connection?.forgive(now);
  }

  /** Ends the link for good; resolves when its socket is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#connected) connection.end({ code: 'shutting-down', reason: 'this process stops' });
    else connection.cut({ code: 'shutting-down', reason: 'this process stops' });
    await new Promise<void>((resolve) => this.#awaitGone.push(resolve));
  }

  #dial(): void {
    this.#waiting = false;
    this.#attempts += 1;
    this.#said = undefined;
    const connection = new Connection(dialled(this.#target), this.#settings, this.#traffic, {
      onFrame: (kind, payload) => this.#onFrame(connection, kind, payload),
      onEnded: (refusal) => this.#onEnded(refusal),
      onGone: () => this.#onGone(),
    });
    this.#connection = connection;
    this.#timer = setTimeout(() => {
      const reason = `${replicaName(this.#target.id)} did not open the link within ${this.#settings.handshakeTimeoutMs} ms`;
      connection.end({ code: 'handshake-timeout', reason });
    }, this.#settings.handshakeTimeoutMs);
  }

  #onFrame(connection: Connection, kind: FrameKind, payload: Bytes): void {
    if (!this.#connected) {
      if (kind === FRAME.greeting && this.#said === undefined) this.#onGreeting(connection, payload);
      else if (kind === FRAME.accept && this.#said !== undefined) this.#onAccept(connection, this.#said, payload);
      else
        connection.end({ code: 'unexpected-frame', reason: `a frame of kind ${kind} while the link was being opened` });
    } else if (kind === FRAME.message && this.#handlers.onFrame !== undefined) {
      this.#handlers.onFrame(payload);
    } else if (kind === FRAME.pong) {
      if (this.#pingOpen) this.#roundTripMs = performance.now() - this.#pingedAt;
      this.#pingOpen = false;
    } else {
      connection.end({
        code: 'unexpected-frame',
        reason: `a frame of kind ${kind} on a link that was dialled to this side`,
      });
    }
  }

  #onGreeting(connection: Connection, payload: Bytes): void {
    const greeting = decodeGreeting(payload);
    const refusal = greeting.ok ? this.#judgeGreeting(greeting.value) : greeting.error;
    if (refusal !== undefined) {
      connection.end(refusal);
      return;
    }
    const { clusterId, mac, party, identity } = this.#self;
    const nonce = plainBytes(randomBytes(NONCE_BYTES));
    const unsigned = { clusterId, target: this.#target.id, party, mac, identity: identity.public, nonce };
    const hello = encodeHello(unsigned, payload, (bytes) => identity.sign(bytes));
    this.#said = { greeting: payload, hello };
    connection.send(FRAME.hello, hello);
  }

  #judgeGreeting({ clusterId, replica, mac }: Greeting): LinkRefusal | undefined {
    if (clusterId !== this.#self.clusterId) {
      return {
        code: 'wrong-cluster',
        reason: `cluster ${this.#self.clusterId.slice(0, 16)} was dialled, ${clusterId.slice(0, 16)} answers`,
      };
    }
    if (replica !== this.#target.id) {
      return {
        code: 'wrong-replica',
        reason: `${replicaName(this.#target.id)} was dialled, ${replicaName(replica)} answers`,
      };
    }
    return judgeMac(this.#self.mac, mac);
  }

  #onAccept(connection: Connection, { greeting, hello }: Said, payload: Bytes): void {
    if (!verifyAccept(payload, greeting, hello, this.#target.identity.signing)) {
      const name = replicaName(this.#target.id);
      connection.end({
        code: 'bad-signature',
        reason: `what answers as ${name} does not have the key configured for ${name}`,
      });
      return;
    }
    clearTimeout(this.#timer);
    connection.allowMessages(this.#settings.queueBytes, this.#traffic);
    this.#connected = true;
    this.#connectedAt = performance.now();
    this.#pingedAt = this.#connectedAt;
    this.#pingOpen = false;
    this.#handlers.onConnected();
  }

  #onEnded(refusal: LinkRefusal): void {
    clearTimeout(this.#timer);
    const wasConnected = this.#connected;
    this.#connected = false;
    if (wasConnected && performance.now() - this.#connectedAt >= this.#settings.steadyAfterMs) this.#attempts = 0;
    const { code, reason } = refusal;
    if (code !== 'disconnected' && code !== 'shutting-down') {
      this.#handlers.onRefused({ code, reason: `link to ${replicaName(this.#target.id)}: ${reason}` });
    }
    if (wasConnected) this.#handlers.onDisconnected();
  }

  #onGone(): void {
    this.#connection = undefined;
    for (const resolve of this.#awaitGone.splice(0)) resolve();
    if (!this.#closed) this.#waitAndDial();
  }

  #waitAndDial(): void {
    this.#waiting = true;
    this.#timer = setTimeout(() => this.#dial(), this.#pauseMs());
  }

  /** Doubles up to the longest pause, ± a quarter that differs between pairs, so that restarted nodes do not come all at once. */
  #pauseMs(): number {
    const { backoffMinMs, backoffMaxMs } = this.#settings;
    const doubled = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.#attempts, 16));
    const spread =
      hash('sha256', `${partyName(this.#self.party)} ${this.#target.id} ${this.#attempts}`, 'buffer')[0] ?? 0;
    return doubled * (0.75 + spread / 512);
  }
}
