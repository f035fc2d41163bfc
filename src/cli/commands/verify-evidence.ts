/** Evidence, as `pbft verify` judges it: whether what a file accuses nodes of is proven. */
import { readEvidence } from '../../api/index.ts';
import type { EvidenceFileFault, EvidenceItem, EvidenceItemFault } from '../../api/index.ts';
import { replicaName } from '../../base/ids.ts';
import { CodecContext } from '../../messages/index.ts';
import { makeSignatureVerifier, sha256 } from '../../node/index.ts';
import { DEFAULT_CLUSTER, claimLimits } from '../../protocol/config.ts';
import { judge } from '../../protocol/evidence.ts';
import type { EvidenceFault } from '../../protocol/evidence-case.ts';
import type { EvidenceRules, Verdict } from '../../protocol/evidence.ts';
import { makeQuorums } from '../../protocol/quorum.ts';
import type { ClusterFile } from '../../server/config/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { printable, terminal } from '../terminal.ts';

/** What came of one item. */
type Outcome =
  | { readonly result: 'proven'; readonly assuming: 'nothing' | 'at-most-f-faults' }
  | { readonly result: 'not-provable' }
  | { readonly result: 'does-not-hold'; readonly fault: EvidenceFault | { readonly code: 'no-statements' } }
  | {
      readonly result: 'unreadable';
      readonly fault: EvidenceItemFault | { readonly code: 'foreign-cluster'; readonly cluster_id: string };
    };

/** Judges every item of `json`, the content of `file`, and prints what came of it. */
export function verifyEvidence(file: string, json: unknown, cluster: ClusterFile, asJson: boolean): ExitCode {
  const items = readEvidence(json);
  if (!items.ok) return terminal.fail(EXIT.usage, `${file} is no evidence: ${describeFileFault(items.error)}`);
  const rules = rulesOf(cluster);
  const outcomes = items.value.map((item) => ({
    item: item.ok ? item.value : undefined,
    outcome: item.ok ? outcomeOf(rules, item.value) : ({ result: 'unreadable', fault: item.error } as const),
  }));
  if (asJson) terminal.json(outcomes.map(({ item, outcome }) => ({ ...shownItem(item), ...outcome })));
  else for (const [index, { item, outcome }] of outcomes.entries()) printOutcome(index, item, outcome);
  if (outcomes.length === 0) terminal.note(`${file} accuses nobody`);
  const isThere = (result: Outcome['result']): boolean => outcomes.some(({ outcome }) => outcome.result === result);
  return isThere('does-not-hold') ? EXIT.refused : isThere('unreadable') ? EXIT.usage : EXIT.done;
}

/** An older cluster.json does not say how often its nodes make a checkpoint. */
function rulesOf({ clusterId, quorumRule, replicas, checkpointInterval }: ClusterFile): EvidenceRules {
  const { digestsPerSlot } = DEFAULT_CLUSTER;
  const replicaCount = replicas.length;
  const signingKeys = replicas.map(({ identity }) => identity.signing);
  return {
    quorums: makeQuorums(replicaCount, quorumRule),
    codec: new CodecContext(clusterId, sha256),
    keys: makeSignatureVerifier(signingKeys),
    limits:
      checkpointInterval === undefined ? undefined : claimLimits({ replicaCount, checkpointInterval, digestsPerSlot }),
  };
}

function outcomeOf(rules: EvidenceRules, { claim, clusterId, provable }: EvidenceItem): Outcome {
  if (clusterId !== rules.codec.clusterId)
    return { result: 'unreadable', fault: { code: 'foreign-cluster', cluster_id: clusterId } };
  const verdict: Verdict = judge(rules, claim);
  if (verdict.kind === 'proven') return { result: 'proven', assuming: verdict.assuming };
  // Its author says himself that it proves nothing to others: so it does not promise what it does not hold.
  if (provable === false && !isForged(verdict)) return { result: 'not-provable' };
  if (verdict.kind === 'refuted') return { result: 'does-not-hold', fault: verdict.fault };
  return provable === true ? { result: 'does-not-hold', fault: { code: 'no-statements' } } : { result: 'not-provable' };
}

/** A node that the cluster does not have is accused of nothing, whatever is promised. */
function isForged(verdict: Verdict): boolean {
  return verdict.kind === 'refuted' && verdict.fault.code === 'unknown-node';
}

function shownItem(item: EvidenceItem | undefined): object {
  if (item === undefined) return {};
  const { node, kind, view, sequence } = item.claim;
  return { node: replicaName(node), kind, view, sequence, summary: item.summary };
}

function printOutcome(index: number, item: EvidenceItem | undefined, outcome: Outcome): void {
  const claim = item?.claim;
  const what =
    claim === undefined
      ? `item ${index + 1}`
      : `${replicaName(claim.node)} ${claim.kind} (view ${claim.view}, sequence ${claim.sequence})`;
  terminal.line(`${what}: ${tell(outcome)}`);
  if (item !== undefined && item.summary !== '') terminal.line(`  ${printable(item.summary)}`);
}

function tell(outcome: Outcome): string {
  switch (outcome.result) {
    case 'proven':
      return `${terminal.style('red', 'proven')}, ${
        outcome.assuming === 'nothing' ? 'by what it signed itself' : 'unless more nodes lie than the cluster can bear'
      }`;
    case 'not-provable':
      return 'not provable to third parties';
    case 'does-not-hold':
      return `${terminal.style('yellow', 'does not hold')}: ${describeFault(outcome.fault)}`;
    case 'unreadable':
      return `${terminal.style('yellow', 'cannot be read')}: ${describeItemFault(outcome.fault)}`;
  }
}

function describeFault(fault: EvidenceFault | { readonly code: 'no-statements' }): string {
  switch (fault.code) {
    case 'unknown-node':
      return 'the cluster has no such node';
    case 'no-statements':
      return 'it says that it is provable, and has no statements that could prove it';
    case 'malformed-statement':
      return `statement ${fault.index + 1} is none: ${fault.reason}`;
    case 'foreign-cluster':
      return `statement ${fault.index + 1} was signed for another cluster`;
    case 'unknown-signer':
      return `statement ${fault.index + 1} names a sender that the cluster does not have`;
    case 'bad-signature':
      return `the signature of statement ${fault.index + 1} is not by ${replicaName(fault.signer)}`;
    case 'irrelevant-statement':
      return `statement ${fault.index + 1} is no part of a proof of it`;
    case 'too-few-signers':
      return `${fault.have} nodes contradict it, and it takes ${fault.needed}`;
    case 'rests-on-others':
      return 'it rests on the word of others, which proves nothing with this number of nodes and quorum rule';
    case 'missing-view-change':
      return `its NEW-VIEW names the VIEW-CHANGE of ${replicaName(fault.replica)}, which is not among the statements`;
    case 'unknown-limits':
      return 'it may hold, but rests on `checkpoint_interval`, which cluster.json does not say';
    case 'no-contradiction':
      return 'the statements are authentic, and show no such fault of this node at this place';
  }
}

function describeItemFault(fault: EvidenceItemFault | { readonly code: 'foreign-cluster' }): string {
  switch (fault.code) {
    case 'not-an-object':
      return 'it is no JSON object';
    case 'unknown-format':
      return 'another `format` than pbft-evidence/1, the only one this version reads';
    case 'bad-field':
      return `${fault.field} must be ${fault.allowed}`;
    case 'unknown-kind':
      return 'this version knows no suspicion of that kind';
    case 'damaged-base64':
      return `statement ${fault.index + 1} is not base64url`;
    case 'foreign-cluster':
      return 'it is about another cluster than the one of the public keys';
  }
}

function describeFileFault(fault: EvidenceFileFault): string {
  return fault.code === 'no-evidence' ? `it must hold ${fault.allowed}` : `more than ${fault.max} items`;
}
