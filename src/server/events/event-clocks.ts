/** The clocks of the event stream. */

export interface EventClocks {
  /** µs since 1970, never backwards but where the wall clock is set. */
  readonly wallUs: () => number;
  /** µs of a clock that no jump of the wall clock moves. */
  readonly monotonicUs: () => number;
  /** CPU time of this thread, µs. */
  readonly threadUs: () => number;
  /** CPU time of the process, all its threads, µs. */
  readonly processUs: () => number;
}

/** Above what reading two clocks one after the other explains: the wall clock was set. */
const SET_MS = 20;

/** Those of this machine. The wall clock is counted on from where it was once, for it is told in ms only, and the order of messages shows in µs. */
export function systemClocks(): EventClocks {
  let originMs = performance.timeOrigin;
  return {
    wallUs: () => {
      const now = performance.now();
      const wall = Date.now();
      if (Math.abs(originMs + now - wall) > SET_MS) originMs = wall - now;
      return Math.round((originMs + now) * 1000);
    },
    monotonicUs: () => performance.now() * 1000,
    threadUs: () => total(process.threadCpuUsage()),
    processUs: () => total(process.cpuUsage()),
  };
}

function total({ user, system }: { readonly user: number; readonly system: number }): number {
  return user + system;
}
