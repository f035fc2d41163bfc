/** `slow`: a correct node in all it says, which says it just before the others lose patience. */
import { UNCHANGED } from './behaviour.ts';
import type { Behaviour, BehaviourContext } from './behaviour.ts';

/** By variant, of T: late enough to cost nearly all of it and early enough for the votes that follow; closer still; half of it. */
const SHARES: readonly number[] = [0.8, 0.95, 0.5];

export function makeSlow({ requestTimeoutUs, variant, delayUs }: BehaviourContext): Behaviour {
  const share = SHARES[variant % SHARES.length] ?? 0.8;
  return { ...UNCHANGED, name: 'slow', delayUs: delayUs ?? Math.floor(requestTimeoutUs * share) };
}
