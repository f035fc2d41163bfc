/**
 * A TCP proxy on loopback that stands for one link. It can lose the link, hold back what goes over it (one way or both) and slow it down,
 * and become a good link again. What it held back is delivered then, as after a real pause of a network.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

const HOST = '127.0.0.1';
/** So much is taken from one side before the other takes it; then TCP holds its sender back. */
const BUFFER_BYTES = 1024 * 1024;

/** `there`: from who dials to who listens; `back`: the other way. */
export type Way = 'there' | 'back';

/** What the proxy does to one way of its link: nothing goes (undefined), or everything, so many ms later. */
type Delay = number | undefined;

export class LinkProxy {
  readonly #target: number;
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  readonly #delays: Record<Way, Delay> = { there: 0, back: 0 };
  #isCut = false;

  /** `target`: the port that listens behind it. */
  constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (socket) => this.#onSocket(socket));
  }

  /** The port it listens on itself. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: HOST, port: 0 }, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every connection breaks, and no new one comes about. */
  cut(): void {
    this.#isCut = true;
    for (const pipe of this.#pipes) pipe.destroy();
  }

  /** Connections stay, and nothing goes over them on `ways`. */
  stall(...ways: readonly Way[]): void {
    this.#setDelays(undefined, ways);
  }

  /** Everything comes `delayMs` later on both ways. */
  slow(delayMs: number): void {
    this.#setDelays(delayMs, ['there', 'back']);
  }

  /** A good link again. */
  heal(): void {
    this.#isCut = false;
    this.#setDelays(0, ['there', 'back']);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #setDelays(delay: Delay, ways: readonly Way[]): void {
    for (const way of ways) this.#delays[way] = delay;
    for (const pipe of this.#pipes) pipe.move();
  }

  #onSocket(from: Socket): void {
    if (this.#isCut) {
      from.on('error', () => undefined);
      from.destroy();
      return;
    }
    const to = connect({ host: HOST, port: this.#target, noDelay: true });
    const pipes = [new Pipe(from, to, () => this.#delays.there), new Pipe(to, from, () => this.#delays.back)];
    for (const pipe of pipes) {
      this.#pipes.add(pipe);
      pipe.whenGone(() => {
        for (const each of pipes) {
          this.#pipes.delete(each);
          each.destroy();
        }
      });
    }
  }
}

/** One way of one connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delay: () => Delay;
  #waiting: { readonly chunk: Buffer; readonly since: number }[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(from: Socket, to: Socket, delay: () => Delay) {
    this.#from = from;
    this.#to = to;
    this.#delay = delay;
    from.on('data', (chunk) => {
      this.#waiting.push({ chunk, since: performance.now() });
      this.#waitingBytes += chunk.length;
      this.move();
    });
    from.on('end', () => {
      this.#hasEnded = true;
      this.move();
    });
    from.on('error', () => this.destroy());
    to.on('drain', () => this.move());
  }

  whenGone(gone: () => void): void {
    this.#from.once('close', gone);
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#from.destroy();
    this.#to.destroy();
  }

  /** Hands on what is due, in order. */
  move(): void {
    clearTimeout(this.#timer);
    const delay = this.#delay();
    if (delay !== undefined) this.#handOn(delay);
    if (this.#waitingBytes > BUFFER_BYTES) this.#from.pause();
    else this.#from.resume();
  }

  #handOn(delay: number): void {
    while (!this.#to.writableNeedDrain) {
      const [next] = this.#waiting;
      if (next === undefined) {
        if (this.#hasEnded) this.#to.end();
        return;
      }
      const inMs = next.since + delay - performance.now();
      if (inMs > 0) {
        this.#timer = setTimeout(() => this.move(), Math.ceil(inMs));
        return;
      }
      this.#waiting.shift();
      this.#waitingBytes -= next.chunk.length;
      this.#to.write(next.chunk);
    }
  }
}
