/** Who makes and knows all keys of a simulated world. Ideal (ideal-authenticator.ts) unless the caller brings real cryptography. */
import type { ClientId } from '../base/ids.ts';
import type { ClusterConfig } from '../protocol/config.ts';
import type { Authenticator, Party } from '../protocol/ports.ts';

/** One per world. Deterministic: the same calls give the same bytes in every run. */
export interface Authority {
  /** Makes the keys of a client known to all; once more changes nothing. */
  admitClient(client: ClientId): void;
  /** The authenticator of `self`. Requires: a replica of the cluster, or an admitted client. */
  authenticator(self: Party): Authenticator;
}

/** Makes the authority of a world; all its keys are a function of the cluster and the seed. */
export type MakeAuthority = (cluster: ClusterConfig, seed: number) => Authority;
