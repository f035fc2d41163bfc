// Needs strace: `npm run test:traced`. What the operating system sees of a backup: the record of each vote is written and its sync has returned before the first byte of the vote leaves.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogBody } from '../../src/api/index.ts';
import { asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import { encodeMessage } from '../../src/messages/index.ts';
import type { Message } from '../../src/messages/index.ts';
import { encodeRecord } from '../../src/protocol/record-codec.ts';
import { eventually, Workplace } from '../e2e/local-cluster.ts';

const TRACED = 'node3';
const REPLICA = asReplicaId(2);
const REQUESTS = 10;
const CALLS = 'write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fdatasync,fsync';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
});

/** One call, in the order in which the kernel was left. `bytes`: what was written, in hexadecimal. */
interface Call {
  readonly name: string;
  readonly target: string;
  readonly bytes: string;
}

/** `strace -f -y -xx`: a call that another one interrupts stands in two lines, and counts where it ends. */
function callsOf(trace: string): readonly Call[] {
  const begun = new Map<string, string>();
  return trace.split('\n').flatMap((line): readonly Call[] => {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (rest.endsWith('<unfinished ...>')) {
      begun.set(thread, rest.slice(0, -'<unfinished ...>'.length));
      return [];
    }
    const whole = rest.startsWith('<...')
      ? `${begun.get(thread) ?? ''}${rest.replace(/^<\.\.\. \w+ resumed>/, '')}`
      : rest;
    const [, name = '', target = ''] = /^(\w+)\(\d+<([^>]*)>/.exec(whole) ?? [];
    if (name === '' || / = -1 /.test(whole)) return [];
    return [
      {
        name,
        target: target.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
        bytes: [...whole.matchAll(/\\x([0-9a-f]{2})/g)].map(([, hex]) => hex).join(''),
      },
    ];
  });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** The vote as it stands in its frame, without its proof. */
function contentOf(message: Message): string {
  const { bytes, contentEnd } = encodeMessage(message);
  return hex(bytes.subarray(0, contentEnd));
}

test('no PREPARE and no COMMIT leaves a backup before the sync of its record has returned', async () => {
  await place.up();
  const pid = readFileSync(join(place.folder, 'pbft-data', TRACED, 'pid'), 'utf8').trim();
  const file = join(place.folder, 'trace');
  const strace = spawn('strace', ['-f', '-y', '-xx', '-s', '100000', '-e', `trace=${CALLS}`, '-o', file, '-p', pid]);
  let said = '';
  strace.stderr.on('data', (text: Buffer) => (said += text.toString()));
  await eventually('strace is attached', () => said.includes('attached'), 20_000);
  // One more: when its own votes are on disk, those for all before it have left.
  for (let amount = 1; amount <= REQUESTS + 1; amount += 1) {
    const { body } = await place.post('node1', '/pbft/request?wait=true', { operation: 'transfer', amount });
    expect(body).toMatchObject({ status: 'executed' });
  }
  const { body } = await place.get(TRACED, `/pbft/log?from=1&to=${REQUESTS}`);
  strace.kill('SIGINT');
  await once(strace, 'exit');
  const calls = callsOf(readFileSync(file, 'latin1'));
  const isLog = ({ target }: Call): boolean => target.endsWith('.seg');
  const isSync = (call: Call): boolean => isLog(call) && (call.name === 'fdatasync' || call.name === 'fsync');
  const { slots } = body as unknown as LogBody;
  expect(slots).toHaveLength(REQUESTS);
  for (const slot of slots) {
    const slotPlace = {
      view: asView(slot.view),
      sequence: asSequence(slot.sequence),
      digest: asDigest(slot.digest ?? ''),
    };
    const accepted = hex(
      encodeRecord({ kind: 'accepted', ...slotPlace, batch: undefined, signature: undefined }),
    ).slice(0, 2 * (1 + 8 + 8 + 32));
    const prepared = hex(encodeRecord({ kind: 'prepared', ...slotPlace }));
    for (const [record, type] of [
      [accepted, 'prepare'],
      [prepared, 'commit'],
    ] as const) {
      const vote = contentOf({ type, ...slotPlace, replica: REPLICA });
      const written = calls.findIndex((call) => isLog(call) && call.bytes.includes(record));
      const synced = calls.findIndex((call, at) => at > written && isSync(call));
      const sent = calls.findIndex((call) => !isLog(call) && call.bytes.includes(vote));
      expect([type, slot.sequence, written >= 0, sent >= 0]).toEqual([type, slot.sequence, true, true]);
      expect([type, slot.sequence, synced > written, sent > synced]).toEqual([type, slot.sequence, true, true]);
    }
  }
}, 120_000);
