/** Evidence files of a cluster that never ran: signed by its real keys, as if its nodes had lied. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVIDENCE_FORMAT } from '../../src/api/index.ts';
import { toBase64Url } from '../../src/base/bytes.ts';
import { asDigest, asReplicaId, asSequence } from '../../src/base/ids.ts';
import { checkpointBytes, CodecContext, statementOf } from '../../src/messages/index.ts';
import type { Checkpoint } from '../../src/messages/index.ts';
import { Identity, sha256 } from '../../src/node/index.ts';
import { must } from './must.ts';

/** Makes items about `data`, the folder of a cluster. */
export class EvidenceMaker {
  readonly clusterId: string;
  readonly #codec: CodecContext;
  readonly #data: string;

  constructor(data: string) {
    this.#data = data;
    const file = JSON.parse(readFileSync(join(data, 'cluster.json'), 'utf8')) as { readonly cluster_id: string };
    this.clusterId = file.cluster_id;
    this.#codec = new CodecContext(asDigest(file.cluster_id), sha256);
  }

  /** The signed CHECKPOINT of `nodeN` at number 8, base64url. */
  checkpoint(node: number, letter: string): string {
    const identity = must(Identity.load(join(this.#data, `node${node}`, 'keys/node.key')));
    const message: Checkpoint = {
      type: 'checkpoint',
      sequence: asSequence(8),
      root: asDigest(letter.repeat(64)),
      replica: asReplicaId(node - 1),
    };
    return toBase64Url(statementOf(this.#codec, message, identity.sign(checkpointBytes(this.#codec, message))));
  }

  /** `node2` signed another root than the three others. */
  item(change: object = {}): object {
    return {
      format: EVIDENCE_FORMAT,
      cluster_id: this.clusterId,
      node: 'node2',
      kind: 'wrong-checkpoint',
      view: 0,
      sequence: 8,
      summary: 'signed root bbbbbbbbbbbb… at sequence 8, where aaaaaaaaaaaa… is stable',
      statements: [this.checkpoint(2, 'b'), this.checkpoint(1, 'a'), this.checkpoint(3, 'a'), this.checkpoint(4, 'a')],
      ...change,
    };
  }

  write(file: string, evidence: unknown): void {
    writeFileSync(file, typeof evidence === 'string' ? evidence : JSON.stringify(evidence));
  }
}
