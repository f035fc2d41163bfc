/** What the world needs of a client, correct or faulty. */
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';

export interface ClientParty {
  readonly client: ClientId;
  /** A frame from a replica, over its authenticated link. Times in µs of virtual time. */
  onFrame(time: number, from: ReplicaId, frame: Bytes): void;
  /** The time of `nextTimeout` has come. */
  onWake(time: number): void;
  /** Wake it no later than then; undefined: not at all. */
  nextTimeout(): number | undefined;
  /** Nothing more to come of it. */
  readonly isDone: boolean;
}
