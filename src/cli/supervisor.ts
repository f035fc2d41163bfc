/**
 * Keeps one process per node running: starts them, starts those again that die, and ends them all. It owns the processes and nothing else.
 * A node that dies five times within a minute stays down, and so does one that was killed by order. Processes know of their supervisor by an
 * IPC channel: when it closes, they end.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import type { LabNodeAction, LabNodeState } from '../api/index.ts';
import type { LabNotice, LabRequest } from './lab-channel.ts';
import { readReport } from './node-report.ts';
import { printable } from './terminal.ts';

const DEATHS_ALLOWED = 5;
const DEATHS_WINDOW_MS = 60_000;
const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 2000;
/** A process that has not ended so long after SIGTERM gets SIGKILL. */
const PATIENCE_MS = 3500;
const LOG_BYTES = 10 * 1024 * 1024;

export const LOG_FILE = 'node.log';

export interface SupervisedNode {
  readonly name: string;
  /** Its log, `node.log`, goes here. */
  readonly directory: string;
  /** Arguments for the runtime: script and its arguments. */
  readonly args: readonly string[];
}

/**
 * `ordered`: the lab did that to it. `misspoke`: its process said what is no report, the first time since it was started. `down`: it died too often and is
 * not started again. `why`: what it said last, for people.
 */
export type SupervisorEvent =
  | { readonly kind: 'ready'; readonly node: string; readonly pid: number; readonly restarted: boolean }
  | {
      readonly kind: 'died';
      readonly node: string;
      readonly how: string;
      readonly why: readonly string[];
      readonly restartInMs: number;
    }
  | { readonly kind: 'ordered'; readonly node: string; readonly action: LabNodeAction }
  | { readonly kind: 'misspoke'; readonly node: string }
  | { readonly kind: 'down'; readonly node: string; readonly deaths: number; readonly why: readonly string[] };

interface Running {
  readonly node: SupervisedNode;
  process: ChildProcess | undefined;
  timer: NodeJS.Timeout | undefined;
  deaths: readonly number[];
  why: readonly string[];
  state: 'starting' | 'ready' | 'waiting' | 'killed' | 'down' | 'ended';
  isPaused: boolean;
  hasMisspoken: boolean;
  /** What its death will be, when it comes, that was ordered. */
  fate: 'killed' | 'restarted' | undefined;
}

export interface SupervisorListener {
  onEvent(event: SupervisorEvent): void;
  /** A node's process orders something. */
  onRequest(node: string, request: LabRequest): void;
}

export class Supervisor {
  readonly #nodes: readonly Running[];
  readonly #listener: SupervisorListener;
  #stopping = false;

  constructor(nodes: readonly SupervisedNode[], listener: SupervisorListener) {
    this.#nodes = nodes.map((node) => ({
      node,
      process: undefined,
      timer: undefined,
      deaths: [],
      why: [],
      state: 'waiting',
      isPaused: false,
      hasMisspoken: false,
      fate: undefined,
    }));
    this.#listener = listener;
  }

  start(): void {
    for (const running of this.#nodes) this.#spawn(running);
  }

  /** Names of the nodes that are up and said so. */
  get ready(): readonly string[] {
    return this.#nodes.filter(({ state }) => state === 'ready').map(({ node }) => node.name);
  }

  /** How a node stands, orders that are still to be carried out included. Requires: it is one of these. */
  labState(name: string): LabNodeState {
    const { state, isPaused, fate } = this.#find(name);
    if (fate !== undefined) return fate === 'killed' ? 'killed' : 'starting';
    if (isPaused) return 'paused';
    if (state === 'ready') return 'running';
    return state === 'ended' ? 'killed' : state;
  }

  /** Takes an order and gives what carries it out, to be called at any time; undefined where there is no process to pause or resume. */
  order(name: string, action: LabNodeAction): (() => void) | undefined {
    const running = this.#find(name);
    if (action === 'kill' || action === 'restart') {
      clearTimeout(running.timer);
      running.deaths = [];
      if (running.process !== undefined) running.fate = action === 'kill' ? 'killed' : 'restarted';
      else running.state = action === 'kill' ? 'killed' : 'starting';
    } else if (running.process === undefined || running.fate !== undefined) return undefined;
    else running.isPaused = action === 'pause';
    this.#listener.onEvent({ kind: 'ordered', node: name, action });
    return () => this.#carryOut(running, action);
  }

  /** false: it has no process that could hear it. One that dies right now does not hear it either. */
  tell(name: string, notice: LabNotice): boolean {
    const { process: child } = this.#find(name);
    return child?.connected === true && child.send(notice, () => undefined);
  }

  #carryOut(running: Running, action: LabNodeAction): void {
    if (this.#stopping) return;
    const { process: child } = running;
    if (action === 'pause' || action === 'resume') child?.kill(running.isPaused ? 'SIGSTOP' : 'SIGCONT');
    // The process that was meant may have died before: not another one for it.
    else if (child !== undefined && running.fate !== undefined) child.kill('SIGKILL');
    else if (child === undefined && action === 'restart' && running.state === 'starting') this.#spawn(running);
  }

  #find(name: string): Running {
    const running = this.#nodes.find(({ node }) => node.name === name);
    assert(running !== undefined, 'a node that is supervised');
    return running;
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
    running.state = 'starting';
    running.why = [];
    running.hasMisspoken = false;
    let child: ChildProcess;
    try {
      child = spawnNode(running.node);
    } catch (error) {
      running.why = [error instanceof Error ? error.message : String(error)];
      this.#onDeath(running, 'it cannot be started');
      return;
    }
    running.process = child;
    child.on('message', (message: unknown) => this.#onMessage(running, message));
    // `on`: each of several that nobody listened to would end all of them.
    child.on('error', (error) => {
      running.why = [error.message];
    });
    // `close` and not `exit`: every message that it sent has been seen by then.
    child.once('close', (code, signal) => this.#onDeath(running, signal ?? `exit code ${code ?? -1}`));
  }

  /** Nothing that a process says may throw here: that would end all of them. */
  #onMessage(running: Running, message: unknown): void {
    const report = readReport(message, this.#nodes.length);
    if (report === undefined) {
      this.#onMisspoken(running);
      return;
    }
    switch (report.kind) {
      case 'failed':
        running.why = report.lines.map(printable);
        return;
      case 'ready':
        this.#onReady(running);
        return;
      default:
        this.#listener.onRequest(running.node.name, report);
    }
  }

  #onMisspoken(running: Running): void {
    if (running.hasMisspoken) return;
    running.hasMisspoken = true;
    this.#listener.onEvent({ kind: 'misspoke', node: running.node.name });
  }

  #onReady(running: Running): void {
    if (running.state !== 'starting') return;
    running.state = 'ready';
    const { node, process: child, deaths } = running;
    this.#listener.onEvent({ kind: 'ready', node: node.name, pid: child?.pid ?? 0, restarted: deaths.length > 0 });
  }

  #onDeath(running: Running, how: string): void {
    running.process = undefined;
    running.state = 'ended';
    running.isPaused = false;
    if (this.#stopping) return;
    const { fate } = running;
    running.fate = undefined;
    if (fate === 'killed') running.state = 'killed';
    if (fate === 'restarted') this.#spawn(running);
    if (fate !== undefined) return;
    const now = Date.now();
    running.deaths = [...running.deaths.filter((time) => time > now - DEATHS_WINDOW_MS), now];
    const { node, why, deaths } = running;
    if (deaths.length >= DEATHS_ALLOWED) {
      running.state = 'down';
      this.#listener.onEvent({ kind: 'down', node: node.name, deaths: deaths.length, why });
      return;
    }
    const restartInMs = Math.min(FIRST_RESTART_MS * 2 ** (deaths.length - 1), LONGEST_RESTART_MS);
    running.state = 'waiting';
    this.#listener.onEvent({ kind: 'died', node: node.name, how, why, restartInMs });
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
  // A paused process hears nothing until it goes on.
  child.kill('SIGCONT');
  const impatient = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await ended;
  clearTimeout(impatient);
}

/** Throws where the log cannot be opened, or the system has no room for one process more. */
function spawnNode({ directory, args }: SupervisedNode): ChildProcess {
  const log = openLog(join(directory, LOG_FILE));
  try {
    return spawn(process.execPath, [...args], { stdio: ['ignore', log, log, 'ipc'] });
  } finally {
    closeSync(log);
  }
}

/** The log goes on where it was; a long one is put aside first, so that two of ten mebibytes are the most that is kept across starts. */
function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}
