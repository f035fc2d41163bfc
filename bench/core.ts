/**
 * What a request costs in the parts that agree, without sockets and disks: `node bench/core.ts [SESSIONS] [SECONDS] [NODES] [PIPELINE] [mac|signature] [null|kv] [blake2b-256|hmac-sha256]`. Nodes as
 * the server runs them (driver, core, codec, MACs; log and state in memory) and one client share this one thread and hand frames to each other.
 * Prints the time of each role per request, and what a batch held. Begins with a warm-up of the same length.
 */
import { cpus } from 'node:os';
import { asClientId, asDigest, asReplicaId } from '../src/base/ids.ts';
import type { Bytes } from '../src/base/bytes.ts';
import { ledger } from '../src/apps/index.ts';
import { application as nullApplication } from '../src/bench/null-application.ts';
import { makeOperations } from '../src/bench/operations.ts';
import { CodecContext } from '../src/messages/index.ts';
import { Identity, MemoryLog, NodeAuthenticator } from '../src/node/index.ts';
import { ClientSession, DEFAULT_CLIENT_TIMING } from '../src/protocol/client-session.ts';
import type { ClientOutput } from '../src/protocol/client-session.ts';
import { DEFAULT_CLUSTER, DEFAULT_TUNING } from '../src/protocol/config.ts';
import type { ClusterConfig } from '../src/protocol/config.ts';
import type { Party } from '../src/protocol/ports.ts';
import { makeQuorums } from '../src/protocol/quorum.ts';
import { ReceiptVerifier } from '../src/protocol/receipts.ts';
import { Sealer } from '../src/protocol/seal.ts';
import { ViewEstimate } from '../src/protocol/view-estimate.ts';
import { Outbox } from '../src/client/outbox.ts';
import { ReplyIntake } from '../src/client/reply-intake.ts';
import { Driver } from '../src/server/driver.ts';
import { MemoryState } from '../src/state/index.ts';
import { argumentsOf, oneOf, whole } from './support/arguments.ts';

const {
  values: [sessionCount, seconds, nodes, pipeline, authentication, app, mac],
} = argumentsOf('core.ts', {
  places: [
    whole('SESSIONS', 256),
    whole('SECONDS', 5),
    whole('NODES', 4),
    whole('PIPELINE', DEFAULT_TUNING.pipeline),
    oneOf(['mac', 'signature']),
    oneOf(['null', 'kv']),
    oneOf(['blake2b-256', 'hmac-sha256']),
  ],
});
const isKv = app === 'kv';
const application = isKv ? ledger : nullApplication;
const operations = makeOperations({ app: isKv ? 'kv' : 'null', request: isKv ? 64 : 0, reply: 0, reads: 'off' });

const clusterId = asDigest('c1'.repeat(32));
const identities = Array.from({ length: nodes }, () => Identity.generate());
const clientIdentity = Identity.generate();
const client = asClientId(clientIdentity.public.signing);
const cluster: ClusterConfig = {
  ...DEFAULT_CLUSTER,
  clusterId,
  replicaCount: nodes,
  authentication,
  mac,
  clients: [client],
};
const replicas = identities.map((identity) => identity.public);

/** Time spent in each party, µs, and the frames that each was sent and has not taken. */
const spentUs = { client: 0, nodes: identities.map(() => 0) };
const inboxes: { readonly from: Party; readonly frame: Bytes }[][] = identities.map(() => []);
const replies: { readonly from: number; readonly frame: Bytes }[] = [];
let batches = 0;
let frames = 0;

function clock(): { readonly monotonic: number; readonly wall: number } {
  return { monotonic: Math.floor(performance.now() * 1000), wall: Date.now() };
}

const drivers = identities.map((identity, self) => {
  const party: Party = { kind: 'replica', replica: asReplicaId(self) };
  const authenticator = new NodeAuthenticator({
    identity,
    self: party,
    clusterId,
    mac,
    replicas,
    clients: [clientIdentity.public],
  });
  return new Driver({
    config: { self: asReplicaId(self), cluster, tuning: { ...DEFAULT_TUNING, pipeline } },
    modules: { authenticator, application, state: new MemoryState((bytes) => authenticator.sha256(bytes)) },
    codec: new CodecContext(clusterId, (bytes) => authenticator.sha256(bytes)),
    records: [],
    log: new MemoryLog(),
    send: (to, frame) => {
      frames += 1;
      if (to.kind === 'replica') inboxes[to.replica]?.push({ from: party, frame });
      else replies.push({ from: self, frame });
      return true;
    },
    clock,
    lab: false,
    observer: {
      onEvent: (event) => {
        if (self === 0 && event.kind === 'executed' && event.count > 0) batches += 1;
      },
      onSync: () => undefined,
      onDropped: (reason) => fail(`a frame was dropped: ${reason}`),
      onRecorded: () => undefined,
      onSent: () => undefined,
      onReceived: () => undefined,
      onBehaviour: () => undefined,
      onStopped: ({ reason }) => fail(reason),
    },
  });
});

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}

const authenticator = new NodeAuthenticator({
  identity: clientIdentity,
  self: { kind: 'client', client },
  clusterId,
  mac,
  replicas,
  clients: [],
});
const codec = new CodecContext(clusterId, (bytes) => authenticator.sha256(bytes));
const receipts = new ReceiptVerifier(codec, authenticator);
const intake = new ReplyIntake(cluster.authentication, client, { authenticator, codec, receipts });
const sender: Party = { kind: 'client', client };
const outbox = new Outbox({
  authenticator,
  codec,
  sealer: new Sealer(cluster, authenticator),
  replicaCount: nodes,
  send: (replica, frame) => {
    inboxes[replica]?.push({ from: sender, frame });
    return true;
  },
});
const views = new ViewEstimate(makeQuorums(nodes, cluster.quorumRule));
const sessions = new Map(
  Array.from({ length: sessionCount }, (_, index) => {
    const session = Date.now() * 1000 + index;
    const modules = { context: codec, receipts, views };
    return [session, new ClientSession({ cluster, client, session, timing: DEFAULT_CLIENT_TIMING }, modules)] as const;
  }),
);
let answered = 0;

function submit(session: ClientSession): void {
  const submitted = session.submit(clock().monotonic, operations.next(session.session), { timeoutUs: 60_000_000 });
  if (!submitted.ok) fail(submitted.error.message);
  take(session, submitted.value);
}

const isOver = (): boolean => false;
const onSent = (): void => undefined;

function take(session: ClientSession, outputs: readonly ClientOutput[]): void {
  for (const output of outputs) {
    if (output.kind === 'send') outbox.put({ ...output, isRepeat: false, proof: undefined, isOver, onSent });
    else if (output.kind === 'outcome' && output.outcome.kind === 'executed') {
      answered += 1;
      submit(session);
    } else fail(`unexpected: ${output.kind}`);
  }
}

function takeReplies(): void {
  for (const { from, frame } of replies.splice(0)) {
    const opened = intake.open(asReplicaId(from), frame);
    if (!opened.ok) fail(opened.error);
    for (const reply of opened.value) {
      const session = sessions.get(reply.session);
      if (session !== undefined) take(session, session.onReply(clock().monotonic, reply, asReplicaId(from)));
    }
  }
}

/** Each party in turn takes what has come for it, as a process that is scheduled now and then. */
async function round(): Promise<void> {
  for (const [self, driver] of drivers.entries()) {
    const start = performance.now();
    for (const { from, frame } of inboxes[self]?.splice(0) ?? []) driver.onFrame(from, frame);
    // Replies, and what waited for the log.
    await settled();
    spentUs.nodes[self] = (spentUs.nodes[self] ?? 0) + (performance.now() - start) * 1000;
  }
  const start = performance.now();
  takeReplies();
  await new Promise((resolve) => setImmediate(resolve));
  spentUs.client += (performance.now() - start) * 1000;
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}

async function run(): Promise<void> {
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) await round();
}

for (const driver of drivers) driver.start();
for (const session of sessions.values()) submit(session);
await run();
const cpuBefore = process.cpuUsage();
spentUs.client = 0;
spentUs.nodes.fill(0);
const before = { answered, batches, frames };
await run();
const requests = answered - before.answered;
const { user, system } = process.cpuUsage(cpuBefore);
const perRequest = (us: number): string => (us / requests).toFixed(2).padStart(8);
const backups = spentUs.nodes.slice(1);
console.log(`${cpus()[0]?.model ?? ''}, Node ${process.version}`);
console.log(
  `${nodes} nodes, ${authentication === 'mac' ? mac : authentication}, ${sessionCount} sessions of one client, ${requests} requests in ${seconds} s of one thread`,
);
console.log(`CPU of all threads of the process ${((user + system) / requests).toFixed(1)} µs per request`);
console.log(`µs per request: client ${perRequest(spentUs.client)}`);
console.log(`               primary ${perRequest(spentUs.nodes[0] ?? 0)}`);
console.log(
  `                backup ${perRequest(backups.reduce((sum, us) => sum + us, 0) / Math.max(1, backups.length))}`,
);
console.log(
  `requests per batch ${(requests / Math.max(1, batches - before.batches)).toFixed(1)}, frames of nodes per batch ${((frames - before.frames) / Math.max(1, batches - before.batches)).toFixed(1)}`,
);
process.exit(0);
