/** A state proof, as `pbft verify` judges it: what was stored at a key after a batch. */
import { describeStateProofFault, exactBytes } from '../../api/index.ts';
import type { ExactBytes, StateProofFault, StateProofFileFault } from '../../api/index.ts';
import { replicaName } from '../../base/ids.ts';
import { verifyStateProofFile } from '../../client/index.ts';
import type { ProvenValue } from '../../client/index.ts';
import { describeCluster } from '../../server/config/index.ts';
import type { ClusterFile } from '../../server/config/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { printable, terminal } from '../terminal.ts';

type Fault = StateProofFault | StateProofFileFault;

/** Checks the content of a file and prints what came of it. */
export function verifyStateProof(text: string, cluster: ClusterFile, asJson: boolean): ExitCode {
  const verdict = verifyStateProofFile(describeCluster(cluster), text);
  if (verdict.ok) {
    if (asJson) terminal.json({ result: 'proven', ...shown(verdict.value) });
    else printProven(verdict.value);
    return EXIT.done;
  }
  const fault = verdict.error;
  const result = isUnreadable(fault) ? 'unreadable' : 'does-not-hold';
  const verdictText = result === 'unreadable' ? 'cannot be read' : 'does not hold';
  if (asJson) terminal.json({ result, fault });
  else terminal.line(`state proof: ${terminal.style('yellow', verdictText)}: ${describeStateProofFault(fault)}`);
  return result === 'unreadable' ? EXIT.usage : EXIT.refused;
}

/** Nothing can be said of it, with these keys or this version: not even that it is wrong. */
function isUnreadable({ code }: Fault): boolean {
  return ['too-large', 'not-json', 'not-an-object', 'unknown-format', 'bad-field', 'foreign-cluster'].includes(code);
}

function shown({ key, value, sequence, root, signers }: ProvenValue): object {
  return {
    key: exactBytes(key),
    value: value === undefined ? null : exactBytes(value),
    as_of_sequence: sequence,
    root,
    nodes: signers.map(replicaName),
  };
}

function printProven({ key, value, sequence, signers }: ProvenValue): void {
  const names = signers.map(replicaName).join(' ');
  const what = value === undefined ? 'nothing is stored there' : readable(exactBytes(value));
  terminal.line(`${readable(exactBytes(key))}, as of sequence ${sequence}: ${what}`);
  terminal.line(`${terminal.style('green', 'proven')} by ${names}, unless more nodes lie than the cluster can bear`);
}

/** More of a value than this is for programs. */
const SHOWN_CHARACTERS = 1000;

/** What is stored must not steer a terminal, nor fill it. */
function readable(bytes: ExactBytes): string {
  const text = 'utf8' in bytes ? bytes.utf8 : `base64url ${bytes.base64url}`;
  const rest = text.length - SHOWN_CHARACTERS;
  return printable(rest > 0 ? `${text.slice(0, SHOWN_CHARACTERS)}… and ${rest} more characters (--json)` : text);
}
