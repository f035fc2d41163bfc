/** CHECKPOINT: the state after a sequence number is durable here, and this is its root. `[TOCS §4.3.4]` */
import { message } from './message-schema.ts';
import { object } from './schema/composites.ts';
import { digest, sender, sequence } from './schema/scalars.ts';
import { signature } from './schema/signed-text.ts';
import type { ValueOf } from './schema/schema.ts';

/** A claim about the whole replicated state after executing `sequence`. */
export const checkpoint = message({
  type: 'checkpoint',
  tag: 4,
  content: { sequence, root: digest, replica: sender },
});

/** CHECKPOINT. */
export type Checkpoint = ValueOf<typeof checkpoint>;

/** A CHECKPOINT with its sender's Ed25519 signature: one part of a checkpoint certificate, to be passed on by anyone. */
export const signedCheckpoint = object({ checkpoint, signature });

/** CHECKPOINT with its signature. */
export type SignedCheckpoint = ValueOf<typeof signedCheckpoint>;
