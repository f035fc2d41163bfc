/** One run from an empty folder to an empty folder: whatever happens in it, nothing is left behind. */
import { Workplace } from './workplace.ts';

/** Why a run has no figures, in one line. */
export interface FailedRun {
  readonly kind: 'failed';
  readonly reason: string;
}

/**
 * What `action` came to in a workplace of its own, which is closed afterwards; `failed` when it throws. Rejects only when the signal gives it up, with the
 * signal's reason.
 */
export async function inWorkplace<Outcome>(
  signal: AbortSignal,
  action: (place: Workplace) => Promise<Outcome>,
): Promise<Outcome | FailedRun> {
  signal.throwIfAborted();
  const place = new Workplace();
  let giveUp = (): void => undefined;
  const givenUp = new Promise<FailedRun>((resolve) => {
    giveUp = (): void => resolve({ kind: 'failed', reason: 'given up' });
    signal.addEventListener('abort', giveUp, { once: true });
  });
  const work = contained(action, place);
  try {
    const outcome = await Promise.race([work, givenUp]);
    signal.throwIfAborted();
    return outcome;
  } finally {
    signal.removeEventListener('abort', giveUp);
    await place.close();
    // What was given up fails once its processes are gone, and may have written a last file until then.
    await work;
    await place.close();
  }
}

async function contained<Outcome>(
  action: (place: Workplace) => Promise<Outcome>,
  place: Workplace,
): Promise<Outcome | FailedRun> {
  try {
    return await action(place);
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
