/** One process of a benchmark: its IPC messages in order, its end. Owns the process; whoever started it ends it, and it is ended by its id alone. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface ProcessPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output and error go here. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it speaks over an IPC channel; false for programs of others. */
  readonly hasChannel: boolean;
}

/** A process that has not ended so long after SIGTERM gets SIGKILL. */
const PATIENCE_MS = 4000;
/** What it said last, when it ends by itself, in characters. */
const LAST_WORDS = 500;

export class BenchProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #messages: unknown[] = [];
  readonly #closed: Promise<void>;
  #waiting: (() => void) | undefined;
  #end: string | undefined;

  constructor(plan: ProcessPlan) {
    this.name = plan.name;
    this.#logFile = plan.logFile;
    const log = openSync(plan.logFile, 'a', 0o600);
    const stdio = ['ignore', log, log, ...(plan.hasChannel ? ['ipc' as const] : [])] as const;
    this.#child = spawn(plan.command, [...plan.args], { stdio: [...stdio], env: { ...process.env, ...plan.env } });
    closeSync(log);
    this.#child.on('message', (message) => {
      this.#messages.push(message);
      this.#waiting?.();
    });
    this.#child.once('error', (error) => this.#onEnd(error.message));
    // `close` and not `exit`: every message that it sent has been seen by then.
    this.#closed = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#onEnd(signal ?? `exit code ${code ?? -1}`);
        resolve();
      });
      this.#child.once('error', () => resolve());
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** Resolves when it has ended by itself or by {@link stop}. */
  async closed(): Promise<void> {
    return this.#closed;
  }

  send(message: object): void {
    if (this.#child.connected) this.#child.send(message);
  }

  /** Its next message. Rejects when it ends without one; then what it said last is part of the reason. Requires: one caller at a time. */
  async next(): Promise<unknown> {
    while (this.#messages.length === 0) {
      if (this.#end !== undefined) throw new Error(this.describeEnd());
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.#messages.shift();
  }

  /** How it ended, with its last words. */
  describeEnd(): string {
    const words = this.output().trim().slice(-LAST_WORDS).replaceAll(/\s+/g, ' ');
    return `${this.name} ended (${this.#end ?? 'not yet'})${words === '' ? '' : `: ${words}`}`;
  }

  /** Everything that it has written. */
  output(): string {
    try {
      return readFileSync(this.#logFile, 'utf8');
    } catch {
      return '';
    }
  }

  /** SIGTERM, then SIGKILL. Resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#child.kill('SIGTERM');
    const impatient = setTimeout(() => this.kill(), PATIENCE_MS);
    await this.#closed;
    clearTimeout(impatient);
  }

  /** Ends it at once. */
  kill(): void {
    if (this.#end === undefined) this.#child.kill('SIGKILL');
  }

  #onEnd(how: string): void {
    this.#end ??= how;
    this.#waiting?.();
  }
}
