/** All broken variants of the core, by what they break. Each must be seen by the simulator, or by a test that it names: that is the proof that our checkers see. */
import { CHECKPOINTS } from './mutants/checkpoints.ts';
import { CLIENTS } from './mutants/clients.ts';
import { COMPOUND } from './mutants/compound.ts';
import { DETECTION } from './mutants/detection.ts';
import { LOST_VOTES } from './mutants/lost-votes.ts';
import { NORMAL_CASE } from './mutants/normal-case.ts';
import { READ_ONLY } from './mutants/read-only.ts';
import { OVERLAPPED_SYNC } from './mutants/overlapped-sync.ts';
import { TENTATIVE } from './mutants/tentative.ts';
import { RECEIPTS } from './mutants/receipts.ts';
import { VIEW_CHANGE } from './mutants/view-change.ts';
import type { Mutant } from './mutants/mutant.ts';

export { applyMutant } from './mutants/mutant.ts';
export type { Mutant } from './mutants/mutant.ts';

export const MUTANTS: readonly Mutant[] = [
  ...NORMAL_CASE,
  ...CHECKPOINTS,
  ...CLIENTS,
  ...COMPOUND,
  ...READ_ONLY,
  ...TENTATIVE,
  ...OVERLAPPED_SYNC,
  ...RECEIPTS,
  ...DETECTION,
  ...VIEW_CHANGE,
  ...LOST_VOTES,
];
