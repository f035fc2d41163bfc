/**
 * The normal case of a cluster in the simulator, without checkers: what goes from node to node, and what it takes to compute. Keys, MACs and frames are real;
 * network and disks are simulated, so nothing is lost, nothing waits, and every count is exact.
 */
import { cryptoModules } from '../../src/cli/seeds/node-crypto.ts';
import { asClientId, asDigest, asReplicaId } from '../../src/base/ids.ts';
import { application } from '../../src/bench/null-application.ts';
import type { MessageType } from '../../src/messages/index.ts';
import { DEFAULT_CLUSTER, DEFAULT_TUNING } from '../../src/protocol/config.ts';
import { CorrectClient } from '../../src/simulation/correct-client.ts';
import { portableSha256 } from '../../src/simulation/ideal-authenticator.ts';
import { typeOfFrame } from '../../src/simulation/link-faults.ts';
import { Network, PERFECT_LINK } from '../../src/simulation/network.ts';
import { Random } from '../../src/simulation/random.ts';
import { World } from '../../src/simulation/world.ts';

export interface AgreementOptions {
  readonly replicaCount: number;
  /** Requests under way at once, and in each batch. */
  readonly batchRequests: number;
  /** Batches that are counted, after as many for a warm-up, at least {@link LEAST_WARM_UP}. */
  readonly batches: number;
}

export interface AgreementCost {
  readonly requests: number;
  readonly batches: number;
  /** Frames from node to node, by what they hold. */
  readonly frames: ReadonlyMap<MessageType, number>;
  /** Of all of these. */
  readonly bytes: number;
  /** CPU time of everything: all nodes, the client and the simulator around them, µs. */
  readonly cpuUs: number;
}

const SEED = 1;
const LEAST_WARM_UP = 20;
const CLIENT = asClientId('c1'.padEnd(64, '0'));

/** Orders requests of one client until so many batches were executed. Throws when a batch has not the size that was asked for. */
export function measureAgreement(options: AgreementOptions): AgreementCost {
  const { replicaCount, batchRequests, batches } = options;
  const { world, client } = makeCluster(options);
  const frames = new Map<MessageType, number>();
  let bytes = 0;
  let isCounting = false;
  let executed = 0;
  world.addObserver({
    delivered: (from, to, frame) => {
      if (!isCounting || from.kind !== 'replica' || to.kind !== 'replica') return;
      const type = typeOfFrame(frame);
      if (type === undefined) throw new Error('a node sent what is no message');
      frames.set(type, (frames.get(type) ?? 0) + 1);
      bytes += frame.length;
    },
    released: (node, output) => {
      if (node.id === 0 && output.kind === 'event' && output.event.kind === 'executed') executed += 1;
    },
  });
  const order = (count: number): void => {
    client.ask(count * batchRequests);
    if (!world.run(() => client.isDone, world.time + 3_600_000_000)) throw new Error('the requests are not answered');
    // What is still under way of the last batch.
    world.run(() => false, world.time + 10 * PERFECT_LINK.maxDelayUs);
  };
  order(Math.max(LEAST_WARM_UP, batches));
  const [answeredBefore, executedBefore] = [client.answered, executed];
  isCounting = true;
  const cpuBefore = process.cpuUsage();
  order(batches);
  const { user, system } = process.cpuUsage(cpuBefore);
  const made = executed - executedBefore;
  const requests = client.answered - answeredBefore;
  if (made !== batches) throw new Error(`${requests} requests of ${replicaCount} nodes made ${made} batches`);
  return { requests, batches, frames, bytes, cpuUs: user + system };
}

function makeCluster({ replicaCount, batchRequests }: AgreementOptions): {
  readonly world: World;
  readonly client: CorrectClient;
} {
  const cluster = { ...DEFAULT_CLUSTER, clusterId: asDigest('5c'.repeat(32)), replicaCount, clients: [CLIENT] };
  // One batch at a time, of all that is there.
  const tuning = { ...DEFAULT_TUNING, batchRequests, pipeline: 1 };
  const random = new Random(SEED, 'bench');
  const { sha256 = portableSha256, makeAuthority } = cryptoModules('real');
  const authority = makeAuthority?.(cluster, SEED);
  if (authority === undefined) throw new Error('real cryptography has an authority');
  const world = new World({
    cluster,
    authority,
    network: new Network(random.fork('network'), PERFECT_LINK),
    disk: { minSyncUs: 0, maxSyncUs: 0 },
    random: random.fork('world'),
    sha256,
    onTrace: undefined,
  });
  for (let index = 0; index < replicaCount; index += 1) {
    const self = asReplicaId(index);
    const authenticator = authority.authenticator({ kind: 'replica', replica: self });
    const config = { self, cluster, tuning };
    world.addNode({ config, authenticator, application, sha256, behaviour: undefined, isCorrect: true });
  }
  const client = new CorrectClient(world, CLIENT, {
    requests: 0,
    sessions: batchRequests,
    requestsPerSession: Infinity,
    thinkUs: 0,
    idempotentShare: 0,
    receiptShare: 0,
    askedShare: 0,
    shownShare: 0,
    drawRead: () => undefined,
    compoundShare: 0,
    requestTimeoutUs: DEFAULT_TUNING.requestTimeoutUs,
    callTimeoutUs: 3_600_000_000,
    makeOperation: () => new Uint8Array(4),
    random: random.fork('client'),
    onWrongReply: () => undefined,
    onOutcome: () => undefined,
    onRead: () => undefined,
  });
  world.addClient(client, 'client1');
  for (const node of world.nodes) world.restart(node);
  world.run(() => false, world.time + 10_000);
  return { world, client };
}
