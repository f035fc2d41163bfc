/** The clients of a load: connected before it begins, and who of them submits for which session. Owns their connections. */
import { PbftClient } from '../client/index.ts';
import type { ClusterDescription } from '../client/index.ts';
import { Identity } from '../node/index.ts';
import type { ClientTiming } from '../protocol/client-session.ts';
import { HttpSubmitter } from './http-submitter.ts';
import type { Row } from './row.ts';
import type { Submitter } from './submitter.ts';

/** So many clients connect at once: nodes keep few connections that have not proven who they are. */
const CONNECTING = 32;
const CONNECTED_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 5;

export class LoadClients {
  readonly #clients: PbftClient[] = [];
  #http: HttpSubmitter | undefined;

  /** `httpUrl`: of the first node. Makes the clients of a row, each connected to every replica, or ready to talk to the first one's HTTP API. Throws when they do not get there. */
  async connect(
    { cluster, httpUrl }: { readonly cluster: ClusterDescription; readonly httpUrl: string | undefined },
    { clients, sessions, asked, compound }: Pick<Row, 'clients' | 'sessions' | 'asked' | 'compound'>,
    timing: ClientTiming,
  ): Promise<void> {
    if (clients === 'http') {
      if (httpUrl === undefined) throw new Error('the first node names no HTTP address');
      this.#http = new HttpSubmitter(httpUrl, sessions);
      return;
    }
    const count = clients === 'independent' ? sessions : 1;
    const each = clients === 'independent' ? 1 : sessions;
    while (this.#clients.length < count) {
      const fresh = Array.from({ length: Math.min(CONNECTING, count - this.#clients.length) }, () => {
        return new PbftClient({
          cluster,
          identity: Identity.generate(),
          sessions: each,
          timing,
          replies: asked,
          compound: compound === 'on',
        });
      });
      this.#clients.push(...fresh);
      await Promise.all(fresh.map(async (client) => connected(client, cluster.replicas.length)));
    }
  }

  /** Who submits for a session. Requires: connected. */
  of(session: number): Submitter {
    if (this.#http !== undefined) return this.#http;
    const client = this.#clients[session % this.#clients.length];
    if (client === undefined) throw new Error('a load has clients');
    return client;
  }

  async close(): Promise<void> {
    await this.#http?.close();
    await Promise.all(this.#clients.map(async (client) => client.close()));
  }
}

async function connected(client: PbftClient, replicas: number): Promise<void> {
  for (const deadline = performance.now() + CONNECTED_WITHIN_MS; client.stats.connected.length < replicas;) {
    if (performance.now() > deadline)
      throw new Error(`a client is linked to ${client.stats.connected.length} of ${replicas} nodes`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
