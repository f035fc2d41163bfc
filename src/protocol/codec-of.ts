/** The codec of a party: its cluster, and the hashes of its cryptography. */
import type { Digest } from '../base/ids.ts';
import { CodecContext } from '../messages/index.ts';
import type { Authenticator } from './ports.ts';

export function codecOf(clusterId: Digest, authenticator: Authenticator): CodecContext {
  const into = authenticator.sha256Into === undefined ? undefined : authenticator.sha256Into.bind(authenticator);
  return new CodecContext(clusterId, (bytes) => authenticator.sha256(bytes), into);
}
