/**
 * Keeps one process per node running: starts them, starts those again that die, and ends them all. It owns the processes and nothing else.
 * A node that dies five times within a minute stays down. Processes know of their supervisor by an IPC channel: when it closes, they end.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const DEATHS_ALLOWED = 5;
const DEATHS_WINDOW_MS = 60_000;
const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 2000;
/** A process that has not ended so long after SIGTERM gets SIGKILL. */
const PATIENCE_MS = 3500;
const LOG_BYTES = 10 * 1024 * 1024;

export const LOG_FILE = 'node.log';

/** What a node's process tells its supervisor. */
export type NodeReport =
  | { readonly kind: 'ready'; readonly httpUrl: string }
  /** It ends now, and says why. */
  | { readonly kind: 'failed'; readonly lines: readonly string[] };

export interface SupervisedNode {
  readonly name: string;
  /** Its log, `node.log`, goes here. */
  readonly directory: string;
  /** Arguments for the runtime: script and its arguments. */
  readonly args: readonly string[];
}

/** `down`: it died too often and is not started again. `why`: what it said last, for people. */
export type SupervisorEvent =
  | { readonly kind: 'ready'; readonly node: string; readonly pid: number; readonly restarted: boolean }
  | {
      readonly kind: 'died';
      readonly node: string;
      readonly how: string;
      readonly why: readonly string[];
      readonly restartInMs: number;
    }
  | { readonly kind: 'down'; readonly node: string; readonly deaths: number; readonly why: readonly string[] };

interface Running {
  readonly node: SupervisedNode;
  process: ChildProcess | undefined;
  timer: NodeJS.Timeout | undefined;
  deaths: readonly number[];
  why: readonly string[];
  state: 'starting' | 'ready' | 'waiting' | 'down' | 'ended';
}

export class Supervisor {
  readonly #nodes: readonly Running[];
  readonly #onEvent: (event: SupervisorEvent) => void;
  #stopping = false;

  constructor(nodes: readonly SupervisedNode[], onEvent: (event: SupervisorEvent) => void) {
    this.#nodes = nodes.map((node) => ({
      node,
      process: undefined,
      timer: undefined,
      deaths: [],
      why: [],
      state: 'waiting',
    }));
    this.#onEvent = onEvent;
  }

  start(): void {
    for (const running of this.#nodes) this.#spawn(running);
  }

  /** Names of the nodes that are up and said so. */
  get ready(): readonly string[] {
    return this.#nodes.filter(({ state }) => state === 'ready').map(({ node }) => node.name);
  }

  /** Ends all processes: SIGTERM, then SIGKILL for those that do not listen. Resolves when none is left, within four seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#nodes.map(async (running) => end(running)));
  }

  /** Ends what is left at once. */
  kill(): void {
    this.#stopping = true;
    for (const { process: child } of this.#nodes) child?.kill('SIGKILL');
  }

  #spawn(running: Running): void {
    const { node } = running;
    running.state = 'starting';
    running.why = [];
    let log: number;
    try {
      log = openLog(join(node.directory, LOG_FILE));
    } catch (error) {
      running.why = [error instanceof Error ? error.message : String(error)];
      this.#onDeath(running, 'its log cannot be opened');
      return;
    }
    const child = spawn(process.execPath, [...node.args], { stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    running.process = child;
    child.on('message', (message) => this.#onReport(running, message as NodeReport));
    child.once('error', (error) => {
      running.why = [error.message];
    });
    // `close` and not `exit`: every message that it sent has been seen by then.
    child.once('close', (code, signal) => this.#onDeath(running, signal ?? `exit code ${code ?? -1}`));
  }

  #onReport(running: Running, report: NodeReport): void {
    if (report.kind === 'failed') {
      running.why = report.lines;
      return;
    }
    running.state = 'ready';
    const { node, process: child, deaths } = running;
    this.#onEvent({ kind: 'ready', node: node.name, pid: child?.pid ?? 0, restarted: deaths.length > 0 });
  }

  #onDeath(running: Running, how: string): void {
    running.process = undefined;
    running.state = 'ended';
    if (this.#stopping) return;
    const now = Date.now();
    running.deaths = [...running.deaths.filter((time) => time > now - DEATHS_WINDOW_MS), now];
    const { node, why, deaths } = running;
    if (deaths.length >= DEATHS_ALLOWED) {
      running.state = 'down';
      this.#onEvent({ kind: 'down', node: node.name, deaths: deaths.length, why });
      return;
    }
    const restartInMs = Math.min(FIRST_RESTART_MS * 2 ** (deaths.length - 1), LONGEST_RESTART_MS);
    running.state = 'waiting';
    this.#onEvent({ kind: 'died', node: node.name, how, why, restartInMs });
    running.timer = setTimeout(() => this.#spawn(running), restartInMs);
  }
}

async function end(running: Running): Promise<void> {
  clearTimeout(running.timer);
  const { process: child } = running;
  if (child === undefined) return;
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await ended;
  clearTimeout(impatient);
}

/** The log goes on where it was; a long one is put aside first, so that two of ten mebibytes are the most that is kept across starts. */
function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}
