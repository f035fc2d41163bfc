/** Runs a play that stops at every step to its end. Owns nothing. */

/** What the play comes to. Throws what it throws. */
export function drain<Result>(play: Generator<unknown, Result>): Result {
  for (;;) {
    const { done, value } = play.next();
    if (done === true) return value;
  }
}
