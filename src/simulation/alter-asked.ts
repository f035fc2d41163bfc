/**
 * A liar that only the simulator has: it alters who is asked to reply (ADR 0023) in the proofs of requests that it passes on, in PRE-PREPAREs,
 * in bodies that it serves and in REQUESTS. No digest covers that, so that batches keep their digests and PRE-PREPAREs their seals, another
 * primary's too; only the client's own MACs and signatures show it. An odd variant leaves clients without its own replies as well.
 */
import { othersOf, splitReceivers, UNCHANGED } from '../byzantine/index.ts';
import type { Behaviour, BehaviourContext } from '../byzantine/index.ts';
import type { ReplicaId } from '../base/ids.ts';
import { EVERYBODY, askedBy, replicaSetOf } from '../messages/index.ts';
import type { AuthenticatedRequest, Bundle, Message, ReplicaSet } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import type { Coverage } from './coverage.ts';
import type { Random } from './random.ts';

type SendOutput = Extract<Output, { kind: 'send' }>;

/** So many of the messages that hold requests are altered for somebody. */
const SHARE = 0.7;

/** Whom it can have asked, as it is counted. */
const CHOICES = ['no correct one', 'one', 'all but some', 'everybody'] as const;
type Choice = (typeof CHOICES)[number];

const CARRIERS = ['pre-prepare', 'batch', 'requests'] as const;
type Carrier = Extract<Message, { type: (typeof CARRIERS)[number] }>;

/** What of it is counted, in what and under which proof. */
export const ALTERATIONS: readonly string[] = [
  ...CHOICES,
  ...CARRIERS.flatMap((type) => [`${type}: bundle`, `${type}: signature`]),
  "another primary's pre-prepare",
  'two halves',
];

export function makeAlterAsked(context: BehaviourContext, random: Random, coverage: Coverage): Behaviour {
  const others = othersOf(context);
  const count = (what: string): void => coverage.count('asked altered', what);

  /** One, so that the others' votes carry the batch; seldom several, or all. */
  const drawVictims = (): ReadonlySet<ReplicaId> => {
    const most = random.chance(0.7) ? 1 : random.between(1, others.length);
    return new Set(random.shuffle(others).slice(0, most));
  };

  const drawSet = (choice: Choice, victims: ReadonlySet<ReplicaId>): ReplicaSet => {
    const spared = others.filter((id) => !victims.has(id));
    switch (choice) {
      case 'no correct one':
        return replicaSetOf([context.self]);
      case 'one':
        return replicaSetOf([random.pick(others)]);
      case 'all but some':
        return replicaSetOf([context.self, ...spared]);
      case 'everybody':
        return EVERYBODY;
    }
  };

  /** The same for all that are chosen, so that bundles stay together as far as they can. */
  const altered = (
    type: Carrier['type'],
    requests: readonly AuthenticatedRequest[],
    { asked, isChosen }: { readonly asked: ReplicaSet; readonly isChosen: (index: number) => boolean },
  ): readonly AuthenticatedRequest[] => {
    const bundles = new Map<Bundle, Bundle>();
    return requests.map((entry, index) => {
      const { proof } = entry;
      if (!isChosen(index) || askedBy(proof) === asked) return entry;
      if (proof.kind === 'signature') {
        count(`${type}: signature`);
        return { ...entry, proof: { ...proof, asked } };
      }
      count(`${type}: bundle`);
      const bundle = bundles.get(proof.bundle) ?? { ...proof.bundle, asked };
      bundles.set(proof.bundle, bundle);
      return { ...entry, proof: { ...proof, bundle } };
    });
  };

  const withRequests = (message: Carrier, change: (of: readonly AuthenticatedRequest[]) => typeof of): Message => {
    if (message.type === 'requests') return { ...message, requests: change(message.requests) };
    if (message.batch === undefined) return message;
    return { ...message, batch: { ...message.batch, requests: change(message.batch.requests) } };
  };

  /** To whom it lies, once or twice: two copies each of which is true where the other one is not; or the lie beside the truth, in any order. */
  const lies = (output: SendOutput, message: Carrier, victims: ReadonlySet<ReplicaId>): readonly Output[] => {
    const choice = random.pick(CHOICES);
    count(choice);
    if (message.type === 'pre-prepare' && output.signature !== undefined) count("another primary's pre-prepare");
    const asked = drawSet(choice, victims);
    const lie = (isChosen: (index: number) => boolean): Output => ({
      ...output,
      message: withRequests(message, (requests) => altered(message.type, requests, { asked, isChosen })),
    });
    if (random.chance(0.3)) {
      count('two halves');
      const parity = random.between(0, 1);
      return [lie((index) => index % 2 === parity), lie((index) => index % 2 !== parity)];
    }
    const whole = lie(() => true);
    return random.pick([[whole], [whole], [whole, output], [output, whole]]);
  };

  const rewritten = (output: Output): readonly Output[] => {
    if (output.kind === 'reply') return context.variant % 2 === 1 ? [] : [output];
    if (output.kind !== 'send' || others.length === 0) return [output];
    const { message } = output;
    if (!isCarrier(message) || !random.chance(SHARE)) return [output];
    const victims = output.to.length === 1 ? new Set(output.to) : drawVictims();
    const { chosen, rest } = splitReceivers(output, victims);
    return [...(rest === undefined ? [] : [rest]), ...(chosen === undefined ? [] : lies(chosen, message, victims))];
  };

  return { ...UNCHANGED, name: 'corrupt', rewrite: (_now, outputs) => outputs.flatMap(rewritten) };
}

/** Does it hold requests, with proofs that the digests in it do not cover? */
function isCarrier(message: Message): message is Carrier {
  switch (message.type) {
    case 'requests':
      return message.requests.length > 0;
    case 'pre-prepare':
    case 'batch':
      return (message.batch?.requests.length ?? 0) > 0;
    default:
      return false;
  }
}
