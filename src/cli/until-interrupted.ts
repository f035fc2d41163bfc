/** Work that a signal gives up in order: what was started ends, what was made is removed. Owns the handlers of the signals meanwhile. */
import { EXIT } from './exit-code.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What `work` came to; undefined when a signal gave it up. A second signal ends the process at once. Rejects as `work` does. */
export async function untilInterrupted<Value>(
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value | undefined> {
  const interrupted = new AbortController();
  const interrupt = (): void => {
    // Who is not content with an orderly end gets the other one: on exit everything is killed.
    if (interrupted.signal.aborted) process.exit(EXIT.refused);
    interrupted.abort(new Error('interrupted'));
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await work(interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted) return undefined;
    throw error;
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, interrupt);
  }
}
