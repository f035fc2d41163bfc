/** State proofs as a sound cluster would give them out: a state with a few entries, and CHECKPOINTs under real keys. */
import type { CertifiedValue } from '../../src/api/index.ts';
import { asDigest, asReplicaId, asSequence } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import type { Version } from '../../src/base/key-value.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { PublicCluster } from '../../src/client/index.ts';
import { checkpointBytes, CodecContext } from '../../src/messages/index.ts';
import type { SignedCheckpoint } from '../../src/messages/index.ts';
import { Identity, sha256 } from '../../src/node/index.ts';
import { applicationKey } from '../../src/protocol/state-layout.ts';
import { MemoryState } from '../../src/state/index.ts';
import { versionOf } from './root-of.ts';

export const SEQUENCE = 128;

/** The bytes of a text of ours. */
export function utf8(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  if (bytes === undefined) throw new Error('a text without lone surrogates');
  return bytes;
}

const ENTRIES: readonly (readonly [string, Uint8Array])[] = [
  ['account/alice', utf8('{"balance":5,"transfers":1}')],
  ['account/bob', utf8('{"balance":7,"transfers":1}')],
  ['account/carol', utf8('')],
  ['binary', Uint8Array.of(0xff, 0, 0xfe)],
  ['large', utf8('x'.repeat(5000))],
  ['kv/ä "quoted"', utf8('"\u0000\u001b[31m \u{1f600}"')],
];

/** Owns the keys of a cluster and one checkpoint of its state. */
export class StateProofMaker {
  readonly clusterId: Digest;
  readonly identities: readonly Identity[];
  readonly version: Version;

  constructor(
    identities: readonly Identity[] = Array.from({ length: 4 }, () => Identity.generate()),
    clusterId: string = '33'.repeat(32),
  ) {
    this.identities = identities;
    this.clusterId = asDigest(clusterId);
    const state = new MemoryState(sha256);
    const transaction = state.begin();
    for (const [key, value] of ENTRIES) transaction.put(applicationKey(utf8(key)), value);
    // The protocol's own tables lie under the same root, with keys that an application might have as well.
    transaction.put(Uint8Array.of(0, ...utf8('account/alice')), utf8('of the protocol'));
    transaction.commit();
    this.version = versionOf(state);
  }

  /** What anybody may know of it. */
  get cluster(): PublicCluster {
    const replicas = this.identities.map((identity, index) => ({
      id: asReplicaId(index),
      host: '127.0.0.1',
      port: 1,
      identity: identity.public,
    }));
    return { clusterId: this.clusterId, quorumRule: 'intersecting', replicas };
  }

  /** CHECKPOINT of node `number`, for this root and number unless told. */
  checkpoint(number: number, change: Partial<SignedCheckpoint['checkpoint']> = {}): SignedCheckpoint {
    const codec = new CodecContext(this.clusterId, sha256);
    const checkpoint = {
      type: 'checkpoint',
      sequence: asSequence(SEQUENCE),
      root: this.version.root,
      replica: asReplicaId(number - 1),
      ...change,
    } as const;
    const identity = this.identities[number - 1];
    if (identity === undefined) throw new Error('one of the nodes');
    return { checkpoint, signature: identity.sign(checkpointBytes(codec, checkpoint)) };
  }

  /** What a node would say about a key of the application. */
  certified(key: string | Uint8Array, change: Partial<CertifiedValue> = {}): CertifiedValue {
    const bytes = typeof key === 'string' ? utf8(key) : key;
    const full = applicationKey(bytes);
    return {
      clusterId: this.clusterId,
      key: bytes,
      value: this.version.get(full),
      proof: this.version.prove(full),
      sequence: asSequence(SEQUENCE),
      root: this.version.root,
      certificate: change.certificate ?? [1, 2, 4].map((number) => this.checkpoint(number)),
      ...change,
    };
  }
}
