/** What every command ends with. Programs rely on these numbers: they are part of the interface (docs/cli.md). */
export const EXIT = {
  /** Done, and the answer was yes. */
  done: 0,
  /** The cluster or the check said no, or what was asked for is not there. */
  refused: 1,
  /** The call was wrong, or something on this machine is missing, taken or broken. */
  usage: 2,
  /** No node of the cluster answered. */
  unreachable: 3,
  /** It may have happened or may yet: ask before repeating, or repeat with the same idempotency key. */
  unknown: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
