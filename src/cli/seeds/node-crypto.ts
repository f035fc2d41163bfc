/** What the simulator takes from Node: a SHA-256 that is several times quicker than its own. */
import { hash } from 'node:crypto';
import { asDigest } from '../../base/ids.ts';
import type { Sha256 } from '../../simulation/ideal-authenticator.ts';

export const nodeSha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
