/** Lab mode: making nodes misbehave on request, and the catalogue of how they can. Owns the list of nodes that were switched from here. */
import type { ApiError, BehavioursBody, SimulateByzantineAnswer, SimulateByzantineBody } from '../api/index.ts';
import { apiError, DEFAULT_BEHAVIOUR } from '../api/index.ts';
import { asReplicaId, replicaName, replicaOfName } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { BEHAVIOUR_CATALOGUE, BEHAVIOUR_NAMES, parseOrder } from '../byzantine/index.ts';
import type { Quorums } from '../protocol/quorum.ts';
import type { Driver } from './driver.ts';

/** What each behaviour is about, in one sentence. */
const SUMMARIES: Readonly<Record<(typeof BEHAVIOUR_NAMES)[number], string>> = {
  corrupt: 'Alters data before forwarding it: votes for another digest (XYZ where all others say ABC).',
  equivocate: 'Sends conflicting messages to different nodes.',
  lie: 'Claims messages that it never got.',
  'alter-timestamps': 'Alters the time in what it sends.',
  silent: 'Says nothing at all.',
  slow: 'Says everything just before the timeout, or so many milliseconds late (`slow:10`).',
  selective: 'Ignores one node: sends it nothing and hears nothing of it.',
  forge: 'Sends bad signatures and votes in the name of others.',
  'wrong-reply': 'Tells clients another result than the executed one.',
  'wrong-state': 'Signs bad checkpoints and hands out bad state.',
  replay: 'Sends old messages again and again, its own and those of others.',
  flood: 'Sends many useless and invalid messages to all.',
  censor: 'Ignores the requests of one client: never proposes them, passes them on or answers.',
};

export interface LabOptions {
  readonly enabled: boolean;
  readonly self: ReplicaId;
  readonly quorums: Quorums;
  readonly driver: Pick<Driver, 'behave' | 'sendDirectly' | 'behaviour'>;
  /** Nodes with a certain suspicion here. */
  readonly suspected: () => readonly ReplicaId[];
}

export class Lab {
  readonly #options: LabOptions;
  /** Each with what it was told to do. */
  readonly #switched = new Map<ReplicaId, string>();

  constructor(options: LabOptions) {
    this.#options = options;
  }

  /** Nodes with a certain suspicion here and those that were switched on from here or misbehave themselves, in order, each once. */
  byzantineNodes(): readonly ReplicaId[] {
    const { suspected, driver, self } = this.#options;
    const own = driver.behaviour === undefined ? [] : [self];
    return [...new Set([...suspected(), ...this.#switched.keys(), ...own])].toSorted((left, right) => left - right);
  }

  /** Switches a node's behaviour on or off: here, or over the link to it. A node that is not in lab mode does not obey. */
  simulate({
    node_id,
    behaviour: named,
    enabled = true,
  }: SimulateByzantineBody): Result<SimulateByzantineAnswer, ApiError> {
    const { enabled: isLab, self, quorums, driver } = this.#options;
    if (!isLab) return fail(apiError('lab_mode_off'));
    const target = replicaOfName(node_id);
    if (target === undefined || target >= quorums.replicaCount) {
      const nodes = Array.from({ length: quorums.replicaCount }, (_, index) => replicaName(asReplicaId(index)));
      return fail(apiError('unknown_node', undefined, { nodes }));
    }
    const current = (target === self ? driver.behaviour : undefined) ?? this.#switched.get(target);
    const behaviour = named ?? (enabled ? undefined : current) ?? DEFAULT_BEHAVIOUR;
    if (parseOrder(behaviour) === undefined)
      return fail(apiError('unknown_behaviour', undefined, { behaviours: BEHAVIOUR_NAMES }));
    const isTold = target === self ? driver.behave(behaviour, enabled) : this.#tell(target, behaviour, enabled);
    if (!isTold) return fail(apiError('peer_unreachable', undefined, { node_id }, 1));
    if (enabled) this.#switched.set(target, behaviour);
    else this.#switched.delete(target);
    const nodes = this.byzantineNodes();
    return ok({
      status: enabled ? 'behaviour_enabled' : 'behaviour_disabled',
      node_id,
      behaviour,
      enabled,
      byzantine_nodes: nodes.map(replicaName),
      exceeds_f: nodes.length > quorums.faultLimit,
    });
  }

  #tell(target: ReplicaId, behaviour: string, enabled: boolean): boolean {
    const { self, driver } = this.#options;
    return driver.sendDirectly(target, { type: 'simulate-byzantine', replica: self, target, behaviour, enabled });
  }
}

/** The catalogue as the API shows it. */
export function behavioursBody(): BehavioursBody {
  const behaviours = BEHAVIOUR_NAMES.map((behaviour) => ({
    behaviour,
    summary: SUMMARIES[behaviour],
    roles: BEHAVIOUR_CATALOGUE.filter((entry) => entry.behaviour === behaviour).map(
      ({ role, changes, othersSee, suspicions }) => ({
        role,
        changes,
        others_see: othersSee,
        suspicions: suspicions.map(({ kind, certainty, by, when }) => ({
          kind,
          certainty,
          by,
          ...(when === undefined ? {} : { when }),
        })),
      }),
    ),
  }));
  return { default: DEFAULT_BEHAVIOUR, behaviours };
}
