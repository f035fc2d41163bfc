/**
 * A cluster of real processes whose nodes reach each other through proxies: one for each ordered pair, so that what one node says to
 * another can be cut, held back or slowed by itself. A node sends on the link that it dialled, so the proxy of (a, b) carries the messages
 * of a to b, and beside them the requests of a's gateway and b's replies to it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePorts } from '../../../src/cli/ports.ts';
import { generateCluster, writeJson } from '../../../src/server/config/index.ts';
import { must } from '../../support/must.ts';
import type { Workplace } from '../local-cluster.ts';
import type { CliProcess } from '../local-cluster.ts';
import { LinkProxy } from './link-proxy.ts';

const HOST = '127.0.0.1';

interface ConfigFile {
  readonly replicas: readonly Readonly<Record<string, unknown>>[];
}

export class MeshedCluster {
  readonly place: Workplace;
  readonly names: readonly string[];
  /** `pbft up`, which starts nodes again that die. */
  readonly up: CliProcess;
  readonly #proxies: ReadonlyMap<string, LinkProxy>;

  private constructor(
    place: Workplace,
    names: readonly string[],
    up: CliProcess,
    proxies: ReadonlyMap<string, LinkProxy>,
  ) {
    this.place = place;
    this.names = names;
    this.up = up;
    this.#proxies = proxies;
  }

  /** Makes the folder of `count` nodes in `place` and starts them, all with the defaults of `pbft up`. */
  static async start(place: Workplace, count: number): Promise<MeshedCluster> {
    const ports = await findFreePorts(HOST, 2 * count);
    const nodes = Array.from({ length: count }, (_, index) => ({
      host: HOST,
      httpPort: ports[index] ?? 0,
      peerPort: ports[index + count] ?? 0,
    }));
    const folder = join(place.folder, 'pbft-data');
    must(generateCluster(folder, { nodes, lab: true, openClients: true }));
    const names = nodes.map((_, index) => `node${index + 1}`);
    const proxies = new Map<string, LinkProxy>();
    for (const from of names) {
      const file = join(folder, from, 'config.json');
      const config = JSON.parse(readFileSync(file, 'utf8')) as ConfigFile;
      const replicas: object[] = [];
      for (const [index, replica] of config.replicas.entries()) {
        const to = names[index] ?? '';
        if (to === from) {
          replicas.push(replica);
          continue;
        }
        const proxy = new LinkProxy(nodes[index]?.peerPort ?? 0);
        proxies.set(`${from} ${to}`, proxy);
        replicas.push({ ...replica, peer_port: await proxy.listen() });
      }
      writeJson(file, { ...config, replicas });
    }
    try {
      return new MeshedCluster(place, names, await place.up(), proxies);
    } catch (error) {
      await Promise.all([...proxies.values()].map(async (proxy) => proxy.close()));
      throw error;
    }
  }

  /** The way on which `from` sends to `to`. */
  link(from: string, to: string): LinkProxy {
    const proxy = this.#proxies.get(`${from} ${to}`);
    if (proxy === undefined) throw new Error(`there is no link from ${from} to ${to}`);
    return proxy;
  }

  /** Does something to every link between two groups, both ways. */
  between(some: readonly string[], others: readonly string[], act: (link: LinkProxy) => void): void {
    for (const one of some) {
      for (const other of others) {
        act(this.link(one, other));
        act(this.link(other, one));
      }
    }
  }

  /** All nodes but these. */
  but(...names: readonly string[]): readonly string[] {
    return this.names.filter((name) => !names.includes(name));
  }

  /** Cuts a node off from all others. */
  isolate(name: string): void {
    this.between([name], this.but(name), (link) => link.cut());
  }

  /** All links are good again. */
  heal(): void {
    for (const proxy of this.#proxies.values()) proxy.heal();
  }

  /** Ends the proxies; the processes and the folder are the workplace's to clear. */
  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map(async (proxy) => proxy.close()));
  }
}
