/** How the nodes of a cluster under test are set up beyond what its row says, and whose word counts when its load is checked. Owns nothing. */
import type { ReplicaId } from '../base/ids.ts';
import { judgeExecution } from './execution-check.ts';
import { BENCH_TUNING } from './normal-case.ts';

export interface PbftSetup {
  /** As in the configuration of a node; the row may say otherwise. */
  readonly tuning: Readonly<Record<string, number>>;
  /** Whether nodes can be told to misbehave. */
  readonly lab: boolean;
  /** This node may lie: nobody asks it when the load is checked. */
  readonly faulty?: ReplicaId | undefined;
  /** The faulty node does not dial node1: somebody else holds its link to there. */
  readonly isLinkTaken?: boolean;
  /** Judges what the others say. */
  readonly judge: typeof judgeExecution;
}

/** The normal case: nobody misbehaves, and no correct primary is given up. */
export const NORMAL_SETUP: PbftSetup = { tuning: BENCH_TUNING, lab: false, judge: judgeExecution };
