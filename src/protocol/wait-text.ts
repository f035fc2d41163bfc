/** What is waited for, in the words of people. */
import { replicaName } from '../base/ids.ts';
import type { Wait } from './status.ts';

/** What is waited for, as a noun for a sentence: `COMMITs (3 needed) from node1, node3`. */
export function describeWait({ what, sequence, needed, missing, amount }: Wait): string {
  const from = missing.map(replicaName).join(', ');
  switch (what) {
    case 'pre-prepare':
      return `the PRE-PREPARE of ${from}`;
    case 'new-view':
      return `the NEW-VIEW of ${from}`;
    case 'stable-checkpoint':
      return `a stable checkpoint above ${sequence}`;
    case 'request-proof':
      return "proof that its requests are their clients'";
    case 'batch-time':
      return 'the time it bears';
    case 'prepares':
      return `PREPAREs (${needed} needed) from ${from}`;
    case 'commits':
      return `COMMITs (${needed} needed) from ${from}`;
    case 'body':
      return 'the batch itself, asked for from the peers';
    case 'earlier-slot':
      return `the execution of sequence ${sequence}`;
    case 'turn':
      return 'its turn';
    case 'estimates':
      return `answers to QUERY-STABLE (${needed} needed) from ${from}: it lost its log, asks what it may have voted on, and casts no vote`;
    case 'recover':
      return `its RECOVER to be ordered${(amount ?? 0) > 0 ? `, which it may ask for in ${amount} s, ten minutes after the last one` : ''}: it lost its log and casts no vote up to M = ${sequence}`;
    case 'recovery-end':
      return `a stable checkpoint at or above ${sequence}: it lost its log and casts no vote before`;
    case 'recovery-views':
      return `the last views (${needed} needed) of ${from}: it lost its log and casts no vote in those before`;
    case 'repair':
      return 'repair: its state contradicts a stable checkpoint, or cannot be read';
    case 'state':
      return `the state of checkpoint ${sequence} from ${from} (${amount ?? 0} bytes so far)`;
    case 'storage':
      return `earlier states, up to checkpoint ${sequence}, to be written to its disk`;
    case 'checkpoints':
      return `CHECKPOINTs for sequence ${sequence} (${needed} needed) from ${from}`;
    case 'decisions':
      return `what was decided up to sequence ${sequence}, which ${from} executed`;
    case 'proposal':
      return `a batch of ${from} with ${amount ?? 0} waiting requests`;
    case 'window':
      return `a place in the pipeline or the window, or their clients' signatures, for ${amount ?? 0} requests`;
  }
}
