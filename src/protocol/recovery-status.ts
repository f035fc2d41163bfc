/** A recovery under way for people and checkers, and what it waits for [G26]. Looks at the core and changes nothing. */
import type { Core } from './core.ts';
import { untilRecover } from './recover-request.ts';
import { recoveredAt, recoveryEnd, shownViews } from './recovery-progress.ts';
import { NOBODY, ascending } from './slot-wait.ts';
import type { RecoveryStatus, Wait } from './status.ts';

/** undefined for a replica that remembers what it said. */
export function recoveryStatus(core: Core): RecoveryStatus | undefined {
  const { recovery } = core;
  if (recovery === undefined) return undefined;
  return { mark: recovery.mark, recoveredAt: recoveredAt(core), end: recoveryEnd(core) };
}

/** The first thing that a recovery lacks. */
export function recoveryWait(core: Core): Wait | undefined {
  const { recovery, quorums } = core;
  if (recovery === undefined) return undefined;
  const base = { ...NOBODY, sinceUs: core.moments.ofRecovery };
  const asked = (have: Wait['have']): Pick<Wait, 'needed' | 'have' | 'missing'> => ({
    needed: quorums.quorum,
    have: have.toSorted(ascending),
    missing: core.others.filter((replica) => !have.includes(replica)),
  });
  const end = recoveryEnd(core);
  if (recovery.mark === undefined)
    return { ...base, ...asked([...recovery.answers.keys()]), what: 'estimates', sequence: core.lastExecuted };
  if (end === undefined) {
    const seconds = Math.ceil(untilRecover(core) / 1_000_000);
    return { ...base, what: 'recover', needed: 1, missing: core.others, sequence: recovery.mark, amount: seconds };
  }
  if (core.stable.sequence < end || core.lastExecuted < end) return { ...base, what: 'recovery-end', sequence: end };
  return { ...base, ...asked(shownViews(core, recovery)), what: 'recovery-views', sequence: end };
}
