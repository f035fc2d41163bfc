/** The process that makes the load: takes one plan over its IPC channel, tells what it came to, and ends. It ends too when nobody listens any more. */
import { describeCluster, readClusterFile } from '../server/config/index.ts';
import { Load } from './load.ts';
import { LoadClients } from './load-clients.ts';
import type { LoadMessage, LoadPlan } from './load-report.ts';

process.once('disconnect', () => process.exit());
// Ctrl-C reaches all processes of a terminal; whoever started this one ends it.
process.on('SIGINT', () => undefined);
process.once('message', (message) => {
  void run(message as LoadPlan).then((told) => {
    process.send?.(told, () => process.disconnect());
  });
});
process.send?.({ kind: 'ready' });

async function run(plan: LoadPlan): Promise<LoadMessage> {
  const file = readClusterFile(plan.clusterFile);
  if (!file.ok) return { kind: 'failed', reason: `${plan.clusterFile} cannot be used` };
  const clients = new LoadClients();
  try {
    const place = { cluster: describeCluster(file.value), httpUrl: file.value.replicas[0]?.httpUrl };
    await clients.connect(place, plan.row, plan.timing);
    const tell = (told: LoadMessage): unknown => process.send?.(told);
    const report = await new Load(plan, clients, tell).run();
    await clients.close();
    return { kind: 'done', report };
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
