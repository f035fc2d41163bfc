/**
 * The process of the unreplicated server: `node unreplicated-process.ts FOLDER`, a folder as a node of a cluster of one has it. It says over its
 * IPC channel that it serves, and what it has executed when it is asked. It ends with SIGTERM, or when nobody listens any more.
 */
import { join } from 'node:path';
import { DurableLog, MemoryLog, ReplicaLinks } from '../node/index.ts';
import { toClusterConfig } from '../server/config/index.ts';
import { NODE_FILES } from '../server/config/index.ts';
import { cryptography } from '../server/cryptography.ts';
import { prepareNode } from '../server/preparation.ts';
import type { Prepared } from '../server/preparation.ts';
import { boundProcessMemory } from '../server/process-memory.ts';
import { UnreplicatedServer } from './unreplicated-server.ts';
import type { UnreplicatedCounts } from './unreplicated-server.ts';

/** What the process tells; `failed` is followed by its end. */
export type UnreplicatedMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly lines: readonly string[] }
  | { readonly kind: 'counts'; readonly counts: UnreplicatedCounts };

const US_PER_MS = 1000;

function tell(message: UnreplicatedMessage): void {
  process.send?.(message);
}

function end(reason: string): never {
  tell({ kind: 'failed', lines: [reason] });
  throw new Error(reason);
}

async function openLog(directory: string, { config }: Prepared): Promise<DurableLog | MemoryLog> {
  if (config.durability === 'memory') return new MemoryLog();
  const opened = await DurableLog.open(join(directory, NODE_FILES.log), {
    owner: { clusterId: config.clusterId, replica: config.self },
    absent: 'make',
    waitFor: config.durability === 'async' ? 'write' : 'sync',
  });
  return opened.ok ? opened.value.log : end(opened.error.reason);
}

async function serve(directory: string): Promise<void> {
  const prepared = await prepareNode(directory);
  if (!prepared.ok) return end(prepared.error.message);
  const { config, identity, application } = prepared.value;
  const { authenticator, codec } = cryptography(prepared.value);
  const log = await openLog(directory, prepared.value);
  const server = new UnreplicatedServer({
    cluster: toClusterConfig(config),
    authenticator,
    codec,
    application,
    log,
    send: (to, frame) => links.send(to, frame),
    wallUs: () => Date.now() * US_PER_MS,
    onFault: (error) => end(error instanceof Error ? error.message : String(error)),
  });
  const links = new ReplicaLinks(
    {
      clusterId: config.clusterId,
      mac: config.mac,
      self: config.self,
      identity,
      peers: [],
      listen: config.peer,
      admitClient: (client) => authenticator.admitClient(client),
    },
    {
      onFrame: (link, frame) => server.onFrame(link, frame),
      onConnected: () => undefined,
      onDisconnected: () => undefined,
      onRefused: () => undefined,
    },
  );
  await links.listen();
  process.on('message', () => tell({ kind: 'counts', counts: server.counts }));
  tell({ kind: 'ready' });
}

boundProcessMemory();
process.once('disconnect', () => process.exit());
// Ctrl-C reaches all processes of a terminal; whoever started this one ends it.
process.on('SIGINT', () => undefined);
await serve(process.argv[2] ?? '');
