/**
 * Proposals: a correct primary puts a request into one batch of its view, and no more. Ordered twice it is still executed once; but the second time takes
 * the place of another, and where two copies of one request come by different ways it was the next one of its session that was lost.
 */
import type { ClientId, Digest, ReplicaId, Sequence, View } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import type { PrePrepare } from '../../messages/index.ts';
import type { Event } from '../../protocol/event.ts';
import type { Input } from '../../protocol/input.ts';
import type { Output } from '../../protocol/output.ts';
import { demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

/** What a node has proposed in a view since it was started. */
interface Proposed {
  readonly view: View;
  /** By session, and there by digest: where it stands. */
  readonly sessions: Map<string, Map<Digest, Sequence>>;
}

export class ProposalsChecker implements Checker {
  readonly judges = ['ordered once'];
  readonly #replicaCount: number;
  readonly #isCorrectClient: (client: ClientId) => boolean;
  readonly #proposed = new Map<ReplicaId, Proposed>();

  /** `isCorrectClient`: another may have more than one request of a session under way, and have itself to thank for it. */
  constructor(replicaCount: number, isCorrectClient: (client: ClientId) => boolean) {
    this.#replicaCount = replicaCount;
    this.#isCorrectClient = isCorrectClient;
  }

  /** What was under way when it ended, it knows from its log alone, and may order again. */
  booted({ id }: NodeView): void {
    this.#proposed.delete(id);
  }

  stepped(node: NodeView, _input: Input | undefined, outputs: readonly Output[]): void {
    if (!node.isCorrect) return;
    let written: Set<Sequence> | undefined;
    for (const output of outputs) {
      if (output.kind === 'event') this.#noteEvent(node.id, output.event);
      if (output.kind !== 'send' || output.message.type !== 'pre-prepare') continue;
      // What is sent again was written down before.
      written ??= acceptedIn(outputs);
      const { view, sequence } = output.message;
      if (view % this.#replicaCount === node.id && written.has(sequence)) this.#check(node.id, output.message);
    }
  }

  /** What was refused in order is as if it had never come, and what the table knows no more will be refused: both may come again. */
  #noteEvent(id: ReplicaId, event: Event): void {
    const sessions = this.#proposed.get(id)?.sessions;
    if (event.kind === 'session-evicted') sessions?.delete(sessionOf(event));
    if (event.kind !== 'executed') return;
    for (const request of event.requests)
      if (request.outcome === 'table-error') sessions?.get(sessionOf(request))?.delete(request.requestDigest);
  }

  #check(id: ReplicaId, { view, sequence, batch }: PrePrepare): void {
    const { sessions } = this.#of(id, view);
    for (const { digest, request } of batch?.requests ?? []) {
      if (!this.#isCorrectClient(request.client)) continue;
      const session = sessionOf(request);
      const requests = sessions.get(session) ?? new Map<Digest, Sequence>();
      const before = requests.get(digest) ?? sequence;
      demand(before === sequence, 'ordered once', () => {
        return `${replicaName(id)} puts ${digest.slice(0, 12)}… into two batches of view ${view}, at ${before} and ${sequence}`;
      });
      sessions.set(session, requests.set(digest, sequence));
    }
  }

  #of(id: ReplicaId, view: View): Proposed {
    const known = this.#proposed.get(id);
    if (known?.view === view) return known;
    const proposed: Proposed = { view, sessions: new Map() };
    this.#proposed.set(id, proposed);
    return proposed;
  }
}

function sessionOf({ client, session }: { readonly client: ClientId; readonly session: number }): string {
  return `${client} ${session}`;
}

function acceptedIn(outputs: readonly Output[]): Set<Sequence> {
  return new Set(
    outputs.flatMap((output) =>
      output.kind === 'persist' && output.record.kind === 'accepted' ? [output.record.sequence] : [],
    ),
  );
}
