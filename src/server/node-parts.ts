/** The parts of one node and their wiring: replica, links, client, event stream, HTTP. Owns their order of starting and ending, and who hears what from whom. */
import { performance } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../node/index.ts';
import { apiError } from '../api/index.ts';
import type { ApiError } from '../api/index.ts';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { replicaName } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { ok } from '../base/result.ts';
import { PbftClient } from '../client/index.ts';
import type { Outcome, ReadOutcome, SubmitOptions } from '../client/index.ts';
import { ReplicaLinks } from '../node/index.ts';
import type { LinkRefusalCode, PublicIdentity } from '../node/index.ts';
import type { Now } from '../protocol/input.ts';
import type { Party } from '../protocol/ports.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import type { Quorums } from '../protocol/quorum.ts';
import { applicationName } from './application.ts';
import { configWarnings, toClusterDescription, toReplicaConfig } from './config/index.ts';
import { DiskRoom, describeFullDisk } from './disk-room.ts';
import { Driver } from './driver.ts';
import type { DriverFault, DriverObserver } from './driver.ts';
import { EventLog } from './event-log.ts';
import type { EventHub } from './events/event-hub.ts';
import { makeNodeStream } from './events/node-stream.ts';
import { Gateway } from './gateway.ts';
import { DEFAULT_HTTP_LIMITS, makeHttpServer } from './http/server.ts';
import { Lab } from './lab.ts';
import { linkCounts } from './link-counts.ts';
import { LinkControl } from './link-control.ts';
import { LinkWatch } from './link-watch.ts';
import { MessageRing } from './message-ring.ts';
import { Metrics } from './metrics.ts';
import { makeNodeService, stoppedError } from './node-service.ts';
import type { NodeOptions, StoredReplica } from './node-options.ts';
import { refuse } from './preparation.ts';
import type { Prepared, StartFault } from './preparation.ts';
import { DEFAULT_REGISTRY_LIMITS, RequestRegistry } from './request-registry.ts';
import { StateKeeper } from './state-keeper.ts';
import { LabOrders } from './supervision.ts';
import { VERSION } from './version.ts';

const DEFAULT_PENDING_REQUESTS = 4096;
const HOUR_MS = 3_600_000;
/** How long requests under way may still be answered when a node stops. */
const HTTP_GRACE_MS = 1500;

type Options = NodeOptions & { readonly logger: Logger };

export interface Listening {
  readonly httpUrl: string;
  readonly peerPort: number;
}

export class NodeParts {
  readonly name: string;
  readonly logger: Logger;
  readonly failed: Promise<DriverFault>;
  readonly #options: Options;
  readonly #prepared: Prepared;
  readonly #stored: StoredReplica;
  readonly #quorums: Quorums;
  readonly #driver: Driver;
  readonly #keeper: StateKeeper;
  readonly #room: DiskRoom;
  readonly #links: ReplicaLinks;
  readonly #gateway: Gateway;
  readonly #registry: RequestRegistry;
  readonly #metrics: Metrics;
  readonly #lab: Lab;
  readonly #stream: EventHub;
  readonly #linkControl: LinkControl;
  readonly #events: EventLog;
  readonly #ring = new MessageRing();
  readonly #peers: LinkWatch;
  readonly #startedAt = performance.now();
  #client: PbftClient | undefined;
  #http: FastifyInstance | undefined;
  #fault: DriverFault | undefined;
  #fail: (fault: DriverFault) => void = () => undefined;

  /** Nothing runs and no port is open yet. Throws UnusableRecords when the stored records do not fit this replica. */
  constructor(options: Options, prepared: Prepared, stored: StoredReplica) {
    const { config } = prepared;
    this.name = replicaName(config.self);
    this.logger = options.logger;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#options = options;
    this.#prepared = prepared;
    this.#stored = stored;
    this.#quorums = makeQuorums(config.replicas.length, config.quorumRule, config.overlappedSync);
    const peers = config.replicas.map(({ id }) => id).filter((id) => id !== config.self);
    this.#peers = new LinkWatch(peers, () => now().monotonic);
    this.#events = new EventLog(this.logger, () => performance.now());
    this.#stream = this.#makeStream();
    this.#linkControl = this.#makeLinkControl();
    this.#driver = this.#makeDriver();
    this.#keeper = this.#makeKeeper();
    this.#room = this.#makeRoom();
    this.#links = this.#makeLinks();
    this.#registry = new RequestRegistry({
      ...DEFAULT_REGISTRY_LIMITS,
      quorums: this.#quorums,
      slot: (sequence) => this.#driver.slot(sequence),
      isQueued: (digest) => this.#driver.isQueued(digest),
    });
    this.#gateway = this.#makeGateway();
    this.#lab = this.#makeLab();
    this.#metrics = this.#makeMetrics();
  }

  /** Opens the ports; on a fault the caller closes. */
  async listen(): Promise<Result<Listening, StartFault>> {
    const { config, credentials } = this.#prepared;
    let port: number;
    try {
      ({ port } = await this.#links.listen());
    } catch (error) {
      return refuse('address-unusable', addressFault('its links', config.peer.host, config.peer.port, error));
    }
    const ownUrl = config.replicas[config.self]?.httpUrl;
    const hosts = [config.http.host, ...(ownUrl === undefined ? [] : [new URL(ownUrl).hostname])];
    this.#http = await makeHttpServer(this.#makeService(), {
      names: {
        allowedHosts: [...config.http.allowedHosts, ...hosts],
        clusterUrls: config.replicas.map(({ httpUrl }) => httpUrl),
      },
      credentials,
      limits: { ...DEFAULT_HTTP_LIMITS, ...this.#options.httpLimits },
      logger: this.logger,
      onAnswered: (answered) => this.#metrics.onHttp(answered),
      version: VERSION,
    });
    try {
      const httpUrl = await this.#http.listen({ host: config.http.host, port: config.http.port });
      return ok({ httpUrl, peerPort: port });
    } catch (error) {
      return refuse('address-unusable', addressFault('HTTP', config.http.host, config.http.port, error));
    }
  }

  /** From now on the replica takes part. */
  start(): void {
    this.#driver.start();
    this.#keeper.start();
    this.#links.connect();
    this.#client = new PbftClient({
      cluster: toClusterDescription(this.#prepared.config),
      identity: this.#prepared.gatewayIdentity,
      // Where replies cost nobody anything all of them are wanted: a lie is seen at once.
      replies: 'enough-when-busy',
      onWrongReply: (wrong) => this.#driver.onWrongReply(wrong),
      onRefused: (replica, code, reason) =>
        this.logger.debug({ peer: replicaName(replica), code, reason }, 'gateway: refused'),
    });
  }

  /** HTTP first, so that nobody new is promised anything; the log last. */
  async close(): Promise<void> {
    this.#stream.close();
    const http = this.#http;
    if (http !== undefined) {
      const grace = setTimeout(() => http.server.closeAllConnections(), HTTP_GRACE_MS);
      await http.close();
      clearTimeout(grace);
    }
    await this.#client?.close();
    this.#driver.stop();
    this.#linkControl.stop();
    this.#room.stop();
    await this.#links.close();
    await this.#keeper.stop();
    await this.#stored.state.close();
    await this.#stored.stored.log.close();
    this.logger.info('node stopped');
  }

  #makeDriver(): Driver {
    const { config, application } = this.#prepared;
    const { authenticator, codec } = this.#stored;
    const { log, records } = this.#stored.stored;
    const { state } = this.#stored.state;
    return new Driver({
      config: toReplicaConfig(config),
      modules: { authenticator, application, state },
      codec,
      records,
      lost: this.#options.lost,
      log,
      send: (to, frame, message) => this.#linkControl.send(to, frame, message),
      blame: (link) => this.#links.blame(link),
      clock: now,
      lab: config.lab,
      observer: this.#makeObserver(),
    });
  }

  #makeKeeper(): StateKeeper {
    return new StateKeeper({
      stored: this.#stored.state,
      driver: this.#driver,
      logger: this.logger,
      scrubIntervalMs: this.#prepared.config.scrubHours * HOUR_MS,
    });
  }

  #makeRoom(): DiskRoom {
    const { stored } = this.#stored;
    const room = new DiskRoom({
      resume: stored.resume,
      records: () => this.#driver.records(),
      onChange: (full) => {
        if (full === undefined) this.logger.warn('there is room on disk again: the replica votes again');
        else this.logger.error({ disk: full }, `the replica votes no more until there is ${describeFullDisk(full)}`);
      },
    });
    stored.listen((full) => {
      if (full === undefined) room.onRoom();
      else room.onFull(full);
    });
    return room;
  }

  #makeObserver(): DriverObserver {
    return {
      onEvent: (event) => {
        this.#metrics.onEvent(event);
        this.#registry.onEvent(event);
        this.#events.onEvent(event);
        this.#stream.onEvent(event);
      },
      onSync: (records) => this.#metrics.onSync(records),
      onDropped: (reason) => this.#metrics.onDropped(reason),
      onRecorded: (recorded) => this.#ring.add(recorded),
      onSent: (to, message, frame) => this.#stream.onSent(to, message, frame),
      onReceived: (from, input, frame) => this.#stream.onReceived(from, input, frame),
      onBehaviour: (behaviour) => {
        this.logger.warn({ behaviour: behaviour ?? null }, 'lab: the behaviour of this node was switched');
        this.#stream.onBehaviour(behaviour);
      },
      onStopped: (fault) => this.#onStopped(fault),
    };
  }

  #onStopped(fault: DriverFault): void {
    this.#fault = fault;
    // What a replica holds that broke a rule of its own must not take the place of what it wrote before.
    this.#room.stop();
    this.logger.error({ err: fault.error, code: fault.code }, `the replica stopped and votes no more: ${fault.reason}`);
    this.#fail(fault);
  }

  #makeLinks(): ReplicaLinks {
    const { config, identity } = this.#prepared;
    const { authenticator } = this.#stored;
    const listed = new Set<string>(config.clients.map((client) => client.identity.signing));
    const admitClient = (client: PublicIdentity): boolean =>
      (config.openClients || listed.has(client.signing)) && authenticator.admitClient(client);
    return new ReplicaLinks(
      {
        clusterId: config.clusterId,
        mac: config.mac,
        self: config.self,
        identity,
        peers: toClusterDescription(config).replicas,
        listen: config.peer,
        admitClient,
        isListed: (client) => listed.has(client),
        limits: this.#options.linkSettings ?? {},
      },
      {
        onFrame: (link, frame) => this.#driver.onFrame(link, frame),
        onConnected: (link) => this.#onConnected(link),
        onDisconnected: (link) => {
          if (link.kind === 'replica') this.#onDisconnected(link.replica);
        },
        onRefused: (link, code, reason) => this.#onLinkRefused(link, code, reason),
      },
    );
  }

  #onConnected(link: Party): void {
    if (link.kind !== 'replica') return;
    this.#peers.onConnected(link.replica);
    this.#stream.onLink(link.replica, 'up');
    this.logger.debug({ peer: replicaName(link.replica) }, 'linked');
    this.#driver.onConnected(link.replica);
  }

  #onDisconnected(peer: ReplicaId): void {
    this.#peers.onDisconnected(peer);
    this.#stream.onLink(peer, 'down');
  }

  #onLinkRefused(link: Party | undefined, code: LinkRefusalCode, reason: string): void {
    this.#metrics.onLinkRefused(code);
    const peer =
      link === undefined ? 'unknown' : link.kind === 'replica' ? replicaName(link.replica) : `client:${link.client}`;
    if (QUIET_LINK_CODES.includes(code)) this.logger.debug({ peer, code, reason }, 'link ended');
    else this.#events.warnSparsely(`link ${peer} ${code}`, { peer, code, reason }, 'link refused');
    if (link?.kind === 'replica' && (code === 'malformed' || code === 'oversized'))
      this.#driver.onBadFrame(link.replica, code, reason);
  }

  #makeGateway(): Gateway {
    return new Gateway({
      client: {
        submit: (operation, options) => this.#submit(operation, options),
        read: (operation, options) => this.#read(operation, options),
      },
      registry: this.#registry,
      pending: this.#options.pendingRequests ?? DEFAULT_PENDING_REQUESTS,
      obstacle: () => this.#obstacle(),
      nowMs: () => performance.now(),
      onFinished: (outcome, seconds) => this.#metrics.onGateway(outcome, seconds),
    });
  }

  async #submit(operation: Bytes, options: SubmitOptions): Promise<Outcome> {
    assert(this.#client !== undefined, 'a node takes requests once it has started');
    return this.#client.submit(operation, options);
  }

  async #read(operation: Bytes, options: Pick<SubmitOptions, 'timeoutMs'>): Promise<ReadOutcome> {
    assert(this.#client !== undefined, 'a node takes requests once it has started');
    return this.#client.read(operation, options);
  }

  /** A request that cannot get anywhere is better refused: then it is surely not submitted. */
  #obstacle(): ApiError | undefined {
    const stopped = stoppedError({ driver: this.#driver, fault: () => this.#fault });
    if (stopped !== undefined) return stopped;
    if (this.#client === undefined) return apiError('not_submitted', undefined, { reason: 'the node is starting' }, 1);
    const { quorum } = this.#quorums;
    if (this.#peers.upCount + 1 >= quorum) return undefined;
    return apiError(
      'not_submitted',
      undefined,
      { reason: `linked to ${this.#peers.upCount} nodes; a quorum takes ${quorum - 1}` },
      1,
    );
  }

  #makeLab(): Lab {
    const { config } = this.#prepared;
    return new Lab({
      enabled: config.lab,
      self: config.self,
      quorums: this.#quorums,
      driver: this.#driver,
      suspected: () =>
        this.#driver
          .status()
          .suspicions.filter(({ certainty }) => certainty === 'certain')
          .map(({ node }) => node),
    });
  }

  #makeStream(): EventHub {
    const { self, lab } = this.#prepared.config;
    return makeNodeStream({
      self,
      lab,
      quorums: this.#quorums,
      status: () => this.#driver.status(),
      behaviour: () => this.#driver.behaviour,
      downLinks: () => this.#peers.down().map(({ replica }) => replica),
      limits: this.#options.eventLimits ?? {},
    });
  }

  #makeLinkControl(): LinkControl {
    const control = new LinkControl({
      send: (to, frame) => this.#links.send(to, frame),
      clock: () => now().monotonic,
    });
    if (this.#prepared.config.lab)
      this.#options.supervision?.onLink((peer, order) => {
        this.logger.warn({ peer: replicaName(peer), ...order }, 'lab: what is sent to this peer was switched');
        control.order(peer, order);
      });
    return control;
  }

  #makeMetrics(): Metrics {
    return new Metrics({
      status: () => this.#driver.status(),
      heldOutputs: () => this.#driver.heldOutputs,
      servingSeconds: () => this.#driver.servingUs / 1e6,
      isDiskFull: () => this.#room.full !== undefined,
      gatewayPending: () => this.#gateway.pending,
      openRequests: () => this.#registry.openCount,
      connectedPeers: () => this.#peers.upCount,
      connectedClients: () => this.#links.stats().clients.connected,
      links: () => linkCounts(this.#links.stats()),
      eventStream: () => this.#stream.counts,
    });
  }

  #makeService(): ReturnType<typeof makeNodeService> {
    const { config } = this.#prepared;
    return makeNodeService({
      config,
      applicationName: applicationName(config.application),
      codec: this.#stored.codec,
      driver: this.#driver,
      gateway: this.#gateway,
      registry: this.#registry,
      ring: this.#ring,
      lab: this.#lab,
      orders: new LabOrders({
        enabled: config.lab,
        replicaCount: this.#quorums.replicaCount,
        supervision: this.#options.supervision,
      }),
      stream: this.#stream,
      metrics: this.#metrics,
      warnings: configWarnings(config),
      fullDisk: () => this.#room.full,
      stateFault: () => this.#keeper.fault,
      version: VERSION,
      peers: this.#peers,
      keys: this.#stored.authenticator,
      fault: () => this.#fault,
      uptimeSeconds: () => Math.round(performance.now() - this.#startedAt) / 1000,
    });
  }
}

/** Part of every restart and cut: no news for an operator. */
const QUIET_LINK_CODES: readonly LinkRefusalCode[] = [
  'disconnected',
  'idle',
  'shutting-down',
  'replaced',
  'refused-by-peer',
];

/** µs of a clock that no jump of the wall clock moves, and ms since 1970. */
function now(): Now {
  return { monotonic: Math.floor(performance.now() * 1000), wall: Date.now() };
}

function addressFault(what: string, host: string, port: number, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    return `port ${port} on ${host} is taken: end what uses it, or give ${what} another port in config.json`;
  if (code === 'EACCES') return `no permission to listen on ${host}:${port} for ${what}: take a port from 1024`;
  if (code === 'EADDRNOTAVAIL')
    return `${host} is no address of this machine: correct the host for ${what} in config.json`;
  return `cannot listen on ${host}:${port} for ${what}: ${error instanceof Error ? error.message : String(error)}`;
}
