/** What the caller decides for all seeds. Plain data, so that threads can be sent it. */
import type { SwarmOverrides } from '../../simulation/options.ts';
import type { CryptoChoice } from './node-crypto.ts';

export interface SeedChoices {
  readonly crypto: CryptoChoice;
  readonly overrides: SwarmOverrides;
}
