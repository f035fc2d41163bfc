/** What somebody orders who makes a node lie: a behaviour by its name; `slow` also with how late it is, as `slow:10` for 10 ms. Pure. */
import { isBehaviourName } from './behaviour.ts';
import type { BehaviourName } from './behaviour.ts';

export interface BehaviourOrder {
  readonly name: BehaviourName;
  /** How late everything leaves, µs; undefined: as late as the behaviour itself says. */
  readonly delayUs: number | undefined;
}

const SLOW_BY = /^slow:(\d{1,5})$/;
/** A minute: far above every timeout that makes sense, and what is held back stays within its bounds. */
const MOST_DELAY_MS = 60_000;
const US_PER_MS = 1000;

/** Undefined for what is no behaviour, and for a delay that is no whole number of ms from 1 to 60,000. */
export function parseOrder(text: string): BehaviourOrder | undefined {
  if (isBehaviourName(text)) return { name: text, delayUs: undefined };
  const [, delay] = SLOW_BY.exec(text) ?? [];
  const delayMs = Number(delay);
  if (delay === undefined || delayMs < 1 || delayMs > MOST_DELAY_MS) return undefined;
  return { name: 'slow', delayUs: delayMs * US_PER_MS };
}
