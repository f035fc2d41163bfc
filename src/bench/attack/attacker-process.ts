/**
 * The process that attacks, or burns CPU: takes one plan over its IPC channel, begins and ends when it is told to, and says what it did. It ends too when nobody
 * listens any more.
 */
import { EMPTY, fromBase64Url } from '../../base/bytes.ts';
import { describeCluster, readClusterFile } from '../../server/config/index.ts';
import type { Attacker } from './attacker.ts';
import type { AttackerMessage, AttackerOrder, AttackerPlan, AttackerReport } from './attacker-plan.ts';
import { Burner } from './burner.ts';
import { FloodingReplica } from './flooding-replica.ts';
import { HostileClient } from './hostile-client.ts';
import { Paced } from './paced.ts';

const MS_PER_SECOND = 1000;

function tell(message: AttackerMessage): void {
  process.send?.(message);
}

/** What it does, and counts meanwhile. */
interface Work {
  start(): void;
  stop(): void;
  readonly sent: number;
  readonly dropped: number;
}

async function prepare(plan: AttackerPlan): Promise<Work> {
  if (plan.kind === 'burn') {
    const burner = new Burner(plan.share);
    return { start: () => burner.start(), stop: () => burner.stop(), sent: 0, dropped: 0 };
  }
  const attacker = await open(plan);
  await attacker.connect();
  const counts = { sent: 0, dropped: 0 };
  let paced: Paced | undefined;
  return {
    start: () => {
      paced = new Paced(attacker.perSecond, () => {
        for (const sending of attacker.next()) counts[attacker.send(sending) ? 'sent' : 'dropped'] += 1;
      });
      paced.start();
    },
    stop: () => paced?.stop(),
    get sent() {
      return counts.sent;
    },
    get dropped() {
      return counts.dropped;
    },
  };
}

async function open(plan: Exclude<AttackerPlan, { kind: 'burn' }>): Promise<Attacker> {
  const file = readClusterFile(plan.clusterFile);
  if (!file.ok) throw new Error(`${plan.clusterFile} cannot be used`);
  const cluster = describeCluster(file.value);
  if (plan.kind !== 'replica-flood')
    return new HostileClient(plan.kind, cluster, fromBase64Url(plan.operation) ?? EMPTY);
  const [primary] = cluster.replicas;
  if (primary === undefined) throw new Error('a cluster has a primary');
  return FloodingReplica.open(plan.directory, { host: primary.host, port: primary.port });
}

function usedUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function run(plan: AttackerPlan): Promise<void> {
  const work = await prepare(plan);
  let begin: { readonly at: number; readonly usedUs: number } | undefined;
  process.on('message', (order: AttackerOrder) => {
    if (order.kind === 'begin') {
      begin = { at: performance.now(), usedUs: usedUs() };
      work.start();
      return;
    }
    work.stop();
    const seconds = begin === undefined ? 0 : (performance.now() - begin.at) / MS_PER_SECOND;
    const cpuUs = begin === undefined ? 0 : usedUs() - begin.usedUs;
    const report: AttackerReport = { seconds, cpuUs, sent: work.sent, dropped: work.dropped };
    tell({ kind: 'ended', report });
  });
  tell({ kind: 'ready' });
}

process.once('disconnect', () => process.exit());
// Ctrl-C reaches all processes of a terminal; whoever started this one ends it.
process.on('SIGINT', () => undefined);
process.once('message', (plan: AttackerPlan) => {
  run(plan).catch((error: unknown) => {
    tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  });
});
