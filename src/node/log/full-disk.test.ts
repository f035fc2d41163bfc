/** No room on disk, made with the limit of the size of files that the kernel keeps for a process. The log runs in a process of its own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asDigest } from '../../base/ids.ts';
import { DurableLog } from './durable-log.ts';
import type { DurableLogOptions } from './durable-log.ts';
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './segment-format.ts';

const OPTIONS: DurableLogOptions = { owner: { clusterId: asDigest('ab'.repeat(32)), replica: 0 }, absent: 'make' };

/** What every script begins with: an open log with one record in it, `limit(bytes)`, and what the log told. */
const PRELUDE = `
  import { execFileSync } from 'node:child_process';
  import { readdirSync, statSync } from 'node:fs';
  const [source, folder, options] = process.argv.slice(1);
  const { DurableLog } = await import(source);
  const bytes = (text) => new Uint8Array(Buffer.from(text));
  const limit = (size) => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + size + ':unlimited']);
  const told = [];
  let wake = () => undefined;
  const { value } = await DurableLog.open(folder, {
    ...JSON.parse(options),
    onFault: (fault) => told.push('fault ' + fault.code),
    onFull: (full) => { told.push(full); wake(); },
    onRoom: () => told.push('room'),
  });
  const { log } = value;
  const full = () => new Promise((resolve) => { wake = resolve; });
  log.append(bytes('first'));
  await log.durable();
  let durable = false;
  const big = new Uint8Array(20000).fill(7);
  limit(10000);
  log.append(big);
  const waiting = log.durable().then(() => { durable = true; });
  await full();
`;

describe('a log without room', () => {
  let folder: string;
  let place: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-full-'));
    place = join(folder, 'log');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  async function run(script: string): Promise<string> {
    const args = [join(import.meta.dirname, 'durable-log.ts'), place, JSON.stringify(OPTIONS)];
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', PRELUDE + script, ...args]);
    return (await child.catch((error: { readonly stdout: string }) => error)).stdout;
  }

  async function recordsAfterwards(): Promise<readonly string[]> {
    const opened = await DurableLog.open(place, { ...OPTIONS, absent: 'refuse' });
    if (!opened.ok) throw new Error(opened.error.reason);
    await opened.value.log.close();
    return opened.value.records.map((record) => Buffer.from(record).toString());
  }

  it('makes no room ahead, and keeps none of what there was for it', async () => {
    const script = `
      import { execFileSync } from 'node:child_process';
      import { statSync } from 'node:fs';
      const [source, folder, options] = process.argv.slice(1);
      execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=100000:unlimited']);
      const { DurableLog } = await import(source);
      const full = [];
      const { value } = await DurableLog.open(folder, { ...JSON.parse(options), onFull: (what) => full.push(what) });
      const sizes = [];
      for (const text of ['first', 'again']) {
        value.log.append(new Uint8Array(Buffer.from(text)));
        await value.log.durable();
        sizes.push(statSync(folder + '/0000000001.seg').size);
      }
      await value.log.close();
      console.log(JSON.stringify({ sizes, full }));`;
    const args = [join(import.meta.dirname, 'durable-log.ts'), place, JSON.stringify(OPTIONS)];
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, ...args]);
    const sizes = [SEGMENT_OF_FIRST, SEGMENT_OF_FIRST + RECORD_HEADER_BYTES + 5];
    expect(JSON.parse(stdout)).toEqual({ sizes, full: [] });
    expect(await recordsAfterwards()).toEqual(['first', 'again']);
  });

  const SEGMENT_OF_FIRST = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + 5;

  it('promises nothing, and goes on in a new segment with what its owner then has', async () => {
    const stdout = await run(`
      log.append(bytes('dropped: the owner has it'));
      log.rewrite([bytes('dropped too')]);
      const later = log.durable();
      log.resume([big]);
      await full();
      const inVain = { durable, files: readdirSync(folder), size: statSync(folder + '/0000000001.seg').size };
      limit('unlimited');
      log.resume([bytes('all that counts')]);
      log.append(bytes('and what came after it'));
      await waiting; await later; await log.durable();
      log.append(bytes('next'));
      await log.close();
      console.log(JSON.stringify({ told, inVain, durable, files: readdirSync(folder) }));`);
    const need = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + 20_000;
    const full = { code: 'EFBIG', file: join(place, '0000000001.seg'), neededBytes: need };
    expect(JSON.parse(stdout)).toMatchObject({
      told: [full, full, 'room'],
      inVain: { durable: false, files: ['0000000001.seg', 'lock'], size: SEGMENT_OF_FIRST },
      durable: true,
      files: [expect.stringMatching(/^\d+\.seg$/), 'lock'],
    });
    expect(await recordsAfterwards()).toEqual(['all that counts', 'and what came after it', 'next']);
  });

  it('may wait more than once, and its owner may go on at once when it is told', async () => {
    const stdout = await run(`
      limit('unlimited');
      log.resume([bytes('second')]);
      await waiting;
      limit(10000);
      log.append(big);
      const again = log.durable();
      await new Promise((resolve) => { wake = () => { log.resume([bytes('third')]); resolve(); }; });
      await again;
      console.log(JSON.stringify(told.map((each) => each.code ?? each)));
      await log.close();`);
    expect(JSON.parse(stdout)).toEqual(['EFBIG', 'room', 'EFBIG', 'room']);
    expect(await recordsAfterwards()).toEqual(['third']);
  });

  it('closed meanwhile, breaks its promises and keeps what was durable', async () => {
    const stdout = await run(`
      const broken = waiting.catch((error) => error.name);
      await log.close();
      console.log(await broken);`);
    expect(stdout).toBe('DurabilityLost\n');
    expect(await recordsAfterwards()).toEqual(['first']);
  });

  it('killed meanwhile, has kept what was durable', async () => {
    await run(`process.kill(process.pid, 'SIGKILL'); for (;;);`);
    expect(statSync(join(place, '0000000001.seg')).size).toBe(SEGMENT_OF_FIRST);
    expect(await recordsAfterwards()).toEqual(['first']);
  });

  it('cannot be made at all: says so, and leaves nothing unfinished', async () => {
    const script = `import { DurableLog } from ${JSON.stringify(join(import.meta.dirname, 'durable-log.ts'))};
      const opened = await DurableLog.open(process.argv[1], ${JSON.stringify(OPTIONS)});
      console.log(opened.ok ? 'opened' : JSON.stringify(opened.error));`;
    const limited = 'exec prlimit --fsize=64 "$0" --input-type=module -e "$1" "$2"';
    const { stdout } = await promisify(execFile)('sh', ['-c', limited, process.execPath, script, place]);
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'unusable',
      reason: expect.stringMatching(/EFBIG.*ulimit -f/) as string,
    });
    expect(readdirSync(place)).toEqual(['lock']);
  });
});
