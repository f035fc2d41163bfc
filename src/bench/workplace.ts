/** Where one run of a row takes place: a temporary folder and the processes in it. Owns both; nothing of them is left once it is closed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { BenchProcess } from './bench-process.ts';
import type { ProcessPlan } from './bench-process.ts';

/** How the names of temporary folders begin. */
export const FOLDER_PREFIX = 'pbft-measure-';

export class Workplace {
  readonly folder: string;
  readonly #folders: string[] = [];
  readonly #processes: BenchProcess[] = [];
  readonly #onExit = (): void => this.#destroy();
  #isOver = false;

  constructor() {
    this.folder = this.makeFolder(tmpdir());
    // However this process ends, as long as it is not killed outright. Then those with a channel end by themselves.
    process.on('exit', this.#onExit);
  }

  /** Starts a process that ends with this workplace at the latest. */
  start(plan: Omit<ProcessPlan, 'logFile'>): BenchProcess {
    // Work that was given up may still be on its way here.
    if (this.#isOver) throw new Error('the run is over');
    const started = new BenchProcess({ ...plan, logFile: join(this.folder, `${plan.name}.log`) });
    this.#processes.push(started);
    return started;
  }

  /** One more folder, in another place. */
  makeFolder(parent: string): string {
    const folder = mkdtempSync(join(parent, FOLDER_PREFIX));
    this.#folders.push(folder);
    return folder;
  }

  /** Ends all processes, then removes the folders. Harmless when repeated. */
  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#processes.map(async (each) => each.stop()));
    process.removeListener('exit', this.#onExit);
    this.#removeFolders();
  }

  #destroy(): void {
    for (const each of this.#processes) each.kill();
    this.#removeFolders();
  }

  #removeFolders(): void {
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Path of a script of this floor, as it runs now: compiled or not. */
export function scriptOf(name: string): string {
  return join(import.meta.dirname, `${name}${extname(import.meta.filename)}`);
}
