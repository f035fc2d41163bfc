/** The unreplicated server under test. To its clients it is a cluster of one replica. Owns nothing: the process belongs to the workplace. */
import { makeClusterFolder } from './cluster-folder.ts';
import { NORMAL_SETUP } from './pbft-setup.ts';
import type { Row } from './row.ts';
import { fail, ok } from '../base/result.ts';
import type { Checked, RunningSystem, Surroundings } from './system.ts';
import type { UnreplicatedMessage } from './unreplicated-process.ts';
import { scriptOf } from './workplace.ts';
import type { Workplace } from './workplace.ts';
import type { BenchProcess } from './bench-process.ts';

/** Starts it; resolves once it serves. Throws with the reason when it does not. */
export async function startUnreplicated(
  place: Workplace,
  row: Row,
  surroundings: Surroundings,
): Promise<RunningSystem> {
  const { nodes, clusterFile } = await makeClusterFolder(place.folder, row, surroundings, NORMAL_SETUP);
  const server = place.start({
    name: 'unreplicated',
    command: process.execPath,
    args: [...surroundings.nodeFlags, scriptOf('unreplicated-process'), nodes[0]?.directory ?? ''],
    hasChannel: true,
  });
  const first = (await server.next()) as UnreplicatedMessage;
  if (first.kind !== 'ready')
    throw new Error(`it did not start: ${first.kind === 'failed' ? first.lines.join('; ') : first.kind}`);
  return {
    servers: [{ process: server, role: 'primary' }],
    clusterFile,
    check: async (acknowledged) => check(server, acknowledged),
  };
}

async function check(server: BenchProcess, acknowledged: number): Promise<Checked> {
  server.send({ kind: 'counts' });
  const message = (await server.next()) as UnreplicatedMessage;
  if (message.kind !== 'counts') return fail(message.kind === 'failed' ? message.lines.join('; ') : 'it began anew');
  const { executed, other, refused } = message.counts;
  if (other > 0) return fail(`${other} requests were answered without execution`);
  if (refused > 0) return fail(`${refused} frames were refused`);
  return executed === acknowledged
    ? ok(undefined)
    : fail(`it executed ${executed} of ${acknowledged} acknowledged requests`);
}
