/** What the simulator takes from Node: a SHA-256 that is several times quicker than its own, and real cryptography where it is asked for. */
import { hash } from 'node:crypto';
import { asDigest } from '../../base/ids.ts';
import type { Sha256 } from '../../simulation/ideal-authenticator.ts';
import type { SimulationModules } from '../../simulation/simulate.ts';
import { RealAuthority } from './real-authority.ts';

/** Whose signatures and MACs: a table of who issued what, or Ed25519, and keyed BLAKE2b or HMAC with keys out of X25519 and HKDF. Plain data, for threads. */
export const CRYPTO_CHOICES = ['ideal', 'real'] as const;
export type CryptoChoice = (typeof CRYPTO_CHOICES)[number];

const nodeSha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));

/** The modules of a run under this choice. */
export function cryptoModules(choice: CryptoChoice): Pick<SimulationModules, 'sha256' | 'makeAuthority'> {
  if (choice === 'ideal') return { sha256: nodeSha256 };
  return { sha256: nodeSha256, makeAuthority: (cluster, seed) => new RealAuthority(cluster, seed) };
}

/** How a command line says it again: nothing for the default. */
export function cryptoArgument(choice: CryptoChoice): string {
  return choice === 'ideal' ? '' : ` --crypto ${choice}`;
}
