/** Assertions: they stop on our own bugs, in production too. Never assert on what a peer, a client or a disk supplied. */

/** Our own code broke one of its rules. A replica that throws this must stop: stopping costs liveness, a wrong vote costs safety. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Throws {@link InvariantViolation} unless `condition` holds; `rule` says what must have been true. */
export function assert(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InvariantViolation(rule);
}

/** For the default branch of an exhaustive switch: the compiler proves that it is never reached. */
export function unreachable(value: never, where: string): never {
  throw new InvariantViolation(`${where}: unexpected ${JSON.stringify(value)}`);
}
