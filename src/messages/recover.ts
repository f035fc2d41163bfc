/** RECOVER: the operation of a request by which a replica that lost its log has its recovery ordered. `[TOCS §4.3.2]` */
import type { Bytes } from '../base/bytes.ts';
import type { CodecContext } from './codec-context.ts';
import { decodeValue, encodeValue } from './frame.ts';
import { object } from './schema/composites.ts';
import { digest, sequence } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** `nonce`: of the recovery. `mark` (M): above everything that the replica may have voted on before. */
const recover = object({ nonce: digest, mark: sequence });

/** What a RECOVER says. */
export type Recover = ValueOf<typeof recover>;

/** The operation's bytes. */
export function recoverBytes(value: Recover): Bytes {
  return encodeValue(recover, value);
}

/** What these bytes say; undefined when they are no RECOVER. */
export function readRecover(operation: Bytes, context: CodecContext): Recover | undefined {
  const decoded = decodeValue(recover, operation, context);
  return decoded.ok ? decoded.value : undefined;
}
