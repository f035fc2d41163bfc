/** Any message a Byzantine replica can send: well-formed, sealed with its own key, about numbers and digests that matter to the others. */
import { NULL_DIGEST, asDigest, asView } from '../../src/base/ids.ts';
import type { Digest, Sequence } from '../../src/base/ids.ts';
import type { SubtreeAddress } from '../../src/base/key-value.ts';
import { checkpointBytes } from '../../src/messages/index.ts';
import type { Batch, Checkpoint, Message, StateSubtree } from '../../src/messages/index.ts';
import { Random } from '../../src/simulation/random.ts';
import type { Bench } from './bench.ts';
import { SESSION, WALL_MS, bytes, clientId, replica, seq } from './core-kit.ts';

const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 1000, Number.MAX_SAFE_INTEGER];

export class Liar {
  readonly #bench: Bench;
  readonly #self: number;
  readonly #random: Random;

  constructor(bench: Bench, self: number, seed: number) {
    this.#bench = bench;
    this.#self = self;
    this.#random = new Random(seed, `liar ${self}`);
  }

  /** Sends one lie to some of the others. */
  lie(): void {
    const others = this.#bench.nodes.map((node) => node.id).filter((id) => id !== this.#self);
    const to = others.filter(() => this.#random.chance(0.6));
    const message = this.#message();
    const { kit } = this.#bench;
    const signature =
      message.type === 'checkpoint' ? kit.of(this.#self).sign(checkpointBytes(kit.codec, message)) : undefined;
    this.#bench.forge(this.#self, message, to, signature);
  }

  #below(limit: number): number {
    return this.#random.between(0, limit - 1);
  }

  #pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.#below(items.length)] ?? items[0];
  }

  /** Around where the others are, or at an edge. */
  #sequence(): Sequence {
    const top = Math.max(...this.#bench.up.map((node) => node.status.highestAccepted));
    const near = top + this.#below(12) - 6;
    return seq(this.#random.chance(0.2) ? this.#pick([0, ...EDGES]) : Math.max(0, near));
  }

  #digest(): Digest {
    const seen = this.#bench.history.flatMap(({ message }) => ('digest' in message ? [message.digest] : []));
    return this.#random.chance(0.7) && seen.length > 0
      ? (seen[this.#below(seen.length)] ?? NULL_DIGEST)
      : this.#pick([NULL_DIGEST, asDigest('ab'.repeat(32)), asDigest('cd'.repeat(32))]);
  }

  #root(): Digest {
    return this.#random.chance(0.5) ? this.#digest() : (this.#bench.up[0]?.status.stateRoot ?? NULL_DIGEST);
  }

  #view(): ReturnType<typeof asView> {
    return asView(
      this.#random.chance(0.8) ? 0 : this.#pick([1, 2, 3, this.#self, 4 + this.#self, Number.MAX_SAFE_INTEGER]),
    );
  }

  #batch(): Batch {
    const { kit } = this.#bench;
    const seen = this.#bench.history.flatMap(({ message }) => (message.type === 'requests' ? message.requests : []));
    const some = seen[this.#below(Math.max(1, seen.length))];
    const forged = kit.authenticated(
      'forged',
      { client: clientId(0), session: SESSION + this.#below(5) },
      [0, 1, 2, 3],
    );
    const requests = this.#random.chance(0.5) && some !== undefined ? [some] : this.#random.chance(0.5) ? [forged] : [];
    return {
      timestamp: this.#pick([WALL_MS, WALL_MS + 5000, 0, 253_402_300_799_999]),
      flags: requests.length === 0 || this.#random.chance(0.2) ? 1 : 0,
      requests,
    };
  }

  #slots(): { readonly sequence: Sequence; readonly digest: Digest }[] {
    return Array.from({ length: this.#below(6) }, () => ({ sequence: this.#sequence(), digest: this.#digest() }));
  }

  #message(): Message {
    const { kit } = this.#bench;
    const self = replica(this.#self);
    switch (this.#below(13)) {
      case 0:
      case 1: {
        const batch = this.#random.chance(0.2) ? undefined : this.#batch();
        const view = this.#random.chance(0.8) ? this.#self : this.#self + kit.cluster.replicaCount;
        return kit.prePrepare(this.#sequence(), batch, view);
      }
      case 2:
      case 3:
        return {
          type: 'prepare',
          view: this.#view(),
          sequence: this.#sequence(),
          digest: this.#digest(),
          replica: self,
        };
      case 4:
      case 5:
        return {
          type: 'commit',
          view: this.#view(),
          sequence: this.#sequence(),
          digest: this.#digest(),
          replica: self,
        };
      case 6:
        return {
          type: 'checkpoint',
          sequence: this.#sequence(),
          root: this.#root(),
          replica: self,
        } satisfies Checkpoint;
      case 7:
        return kit.status(this.#self, {
          view: this.#view(),
          lowWaterMark: this.#sequence(),
          lastExecuted: this.#sequence(),
          slots: this.#slots().map(({ sequence }) => ({
            sequence,
            prepared: this.#random.chance(0.5),
            committed: this.#random.chance(0.3),
          })),
        });
      case 8:
        return { type: 'fetch', replica: self, wanted: this.#slots() };
      case 9: {
        const batch = this.#batch();
        return { type: 'batch', replica: self, sequence: this.#sequence(), digest: kit.digestOfBatch(batch), batch };
      }
      case 10:
        return { type: 'decided', replica: self, decisions: this.#slots() };
      case 11:
        return {
          type: 'complaint',
          replica: self,
          view: this.#view(),
          sequence: this.#sequence(),
          digest: this.#digest(),
          requests: this.#slots().map(({ digest }) => digest),
        };
      default:
        return this.#random.chance(0.5)
          ? {
              type: 'fetch-state',
              replica: self,
              sequence: this.#sequence(),
              root: this.#root(),
              subtrees: [this.#address()],
            }
          : {
              type: 'state',
              replica: self,
              sequence: this.#sequence(),
              root: this.#root(),
              held: this.#random.chance(0.7),
              subtrees: this.#random.chance(0.3) ? [] : [this.#subtree()],
            };
    }
  }

  #address(): SubtreeAddress {
    const hash = this.#root();
    return this.#random.chance(0.5)
      ? { path: NULL_DIGEST, depth: 0, hash }
      : { path: asDigest(`8${'0'.repeat(63)}`), depth: this.#pick([1, 2, 3, 255, 256]), hash };
  }

  #subtree(): StateSubtree {
    const address = this.#address();
    return this.#random.chance(0.5)
      ? { address, entries: [{ key: bytes('k'), value: bytes('v') }], nodes: [] }
      : { address, entries: [], nodes: [{ bit: this.#below(256), left: this.#root(), right: this.#root() }] };
  }
}
