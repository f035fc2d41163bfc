/** Looks regularly for dead links. When this process itself was away (stopped, suspended, busy), that is nobody else's silence. */

export interface Watched {
  check(now: number): void;
  forgive(now: number): void;
}

/** Calls `watched` about every `intervalMs`; the returned function ends it. It does not keep the process alive. */
export function watch(watched: Watched, intervalMs: number): () => void {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - last > 3 * intervalMs) watched.forgive(now);
    last = now;
    watched.check(now);
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
