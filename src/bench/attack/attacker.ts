/** One who attacks: what he says, to whom, how often. */
import type { Bytes } from '../../base/bytes.ts';
import type { ReplicaId } from '../../base/ids.ts';

export interface Sending {
  readonly to: ReplicaId;
  readonly frame: Bytes;
}

export interface Attacker {
  /** How often `next` is asked. */
  readonly perSecond: number;
  /** Resolves when the links stand that it needs. Throws with the reason when they do not come to. */
  connect(): Promise<void>;
  /** What is sent now. */
  next(): readonly Sending[];
  /** False: the link did not take it. */
  send(sending: Sending): boolean;
  close(): Promise<void>;
}

const CONNECTED_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 10;

/** Resolves when `isConnected` says yes. Throws when it does not within half a minute. */
export async function connected(isConnected: () => boolean): Promise<void> {
  for (const deadline = performance.now() + CONNECTED_WITHIN_MS; !isConnected();) {
    if (performance.now() > deadline) throw new Error('the attacker could not open its links');
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
