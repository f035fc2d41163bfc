/** The event stream of one node as a process runs it: real clocks, a boot of its own, and what the node says of itself at the beginning. */
import { randomBytes } from 'node:crypto';
import { replicaName } from '../../base/ids.ts';
import type { ReplicaId } from '../../base/ids.ts';
import type { Quorums } from '../../protocol/quorum.ts';
import type { ReplicaStatus } from '../../protocol/status.ts';
import { VERSION } from '../version.ts';
import { systemClocks } from './event-clocks.ts';
import { EventHub } from './event-hub.ts';
import type { EventHubLimits } from './event-hub.ts';

export interface NodeStreamOptions {
  readonly self: ReplicaId;
  readonly lab: boolean;
  readonly quorums: Quorums;
  readonly status: () => ReplicaStatus;
  /** How the node misbehaves on order; undefined: it does not. */
  readonly behaviour: () => string | undefined;
  /** Peers without a link, in order. */
  readonly downLinks: () => readonly ReplicaId[];
  readonly limits: Partial<EventHubLimits>;
}

export function makeNodeStream(options: NodeStreamOptions): EventHub {
  const { self, lab, quorums, status, behaviour, downLinks, limits } = options;
  const cluster = { n: quorums.replicaCount, f: quorums.faultLimit, quorum: quorums.quorum };
  return new EventHub({
    self,
    boot: randomBytes(4).toString('hex'),
    hello: () => {
      const { view, inViewChange } = status();
      return {
        version: VERSION,
        ...cluster,
        view,
        in_view_change: inViewChange,
        lab,
        behaviour: behaviour() ?? null,
        down_links: downLinks().map(replicaName),
      };
    },
    clocks: systemClocks(),
    limits,
  });
}
