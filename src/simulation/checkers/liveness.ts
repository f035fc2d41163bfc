/**
 * The end of a run, after everything that can be mended was: every request of a correct client has been answered, whoever lies, and all correct
 * replicas have one root and are in one view.
 */
import { replicaName } from '../../base/ids.ts';
import type { Coverage } from '../coverage.ts';
import type { ExecutionChecker } from './execution.ts';
import type { LostVotesChecker } from './lost-votes.ts';
import { demand } from '../observer.ts';
import type { SimulatedNode } from '../node.ts';
import type { World } from '../world.ts';

/** What is looked at. */
export interface QuietWorld {
  readonly world: World;
  readonly coverage: Coverage;
  readonly execution: ExecutionChecker;
  readonly lostVotes: LostVotesChecker;
  readonly clients: readonly { readonly isDone: boolean; readonly answered: number; readonly client: string }[];
}

const STABLE_CHECKPOINTS = 2;

/** Are all correct replicas in one view? Nobody stands alone in a higher one, where it would be missing when the next one fails. */
export function areTogether({ nodes }: World): boolean {
  const correct = nodes.filter((node) => node.isCorrect);
  return correct.every(({ status }) => !status.inViewChange && status.view === correct[0]?.status.view);
}

/** Throws Violation unless they are. */
export function checkTogether(world: World): void {
  demand(areTogether(world), 'one view', () => {
    const standings = world.nodes
      .filter((node) => node.isCorrect)
      .map(({ name, status }) => `${name} ${status.inViewChange ? 'between views before' : 'in'} ${status.view}`);
    return `long after everything was mended, ${standings.join(', ')}`;
  });
}

/** Throws Violation; returns the invariants of a quiet end that it could judge. */
export function checkQuietEnd({ world, coverage, execution, lostVotes, clients }: QuietWorld): readonly string[] {
  const correct = world.nodes.filter((node) => node.isCorrect);
  for (const node of correct) execution.compareContent(node);
  lostVotes.checkDone(correct);
  const first = correct[0];
  if (first === undefined) return [];
  for (const client of clients) {
    demand(
      client.isDone,
      'liveness',
      () => `client ${client.client.slice(0, 8)} waits for an answer since long (${client.answered} answered)`,
    );
  }
  for (const node of correct) {
    const same =
      node.status.lastExecuted === first.status.lastExecuted && node.status.stateRoot === first.status.stateRoot;
    demand(
      same,
      'convergence',
      () => `${replicaName(node.id)} ended at ${endOf(node)}, ${first.name} at ${endOf(first)}`,
    );
  }
  // A short run comes to fewer.
  const { checkpointInterval } = world.cluster;
  const due =
    checkpointInterval * Math.min(STABLE_CHECKPOINTS, Math.floor(first.status.lastExecuted / checkpointInterval));
  // Not how many became stable: who catches up passes some over.
  for (const { name, status } of correct)
    demand(status.lowWaterMark >= due, 'checkpoints', () => `${name} ended at h ${status.lowWaterMark}, below ${due}`);
  // Nobody waits for a checkpoint of an idle cluster: a primary that lies need not order one, and one that has left its view alone cannot, until the
  // others come along (seed 1223768).
  const primary = correct.find(({ id }) => id === first.status.primary);
  const isPresent = primary?.status.view === first.status.view && !primary.status.inViewChange;
  const isOrdered = isPresent && !first.status.inViewChange;
  coverage.count('end', isOrdered ? 'under a correct primary' : 'under a liar');
  const judged = ['liveness', 'convergence', 'checkpoints'];
  if (!isOrdered) return judged;
  const { lastExecuted, stateRootSequence, lowWaterMark } = first.status;
  demand(stateRootSequence === lastExecuted && lowWaterMark === lastExecuted, 'idle checkpoint', () => {
    return `quiet, executed ${lastExecuted}, but the last checkpoint is ${stateRootSequence} and h ${lowWaterMark}`;
  });
  return [...judged, 'idle checkpoint'];
}

function endOf(node: SimulatedNode): string {
  return `${node.status.lastExecuted} with root ${node.status.stateRoot.slice(0, 12)} of ${node.status.stateRootSequence}`;
}
