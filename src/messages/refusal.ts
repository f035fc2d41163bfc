/**
 * Why bytes or JSON are not a message. Inside the codec a refusal travels as a thrown {@link Refused}, so that no reader can forget to
 * look; the doors (`decodeFrame`, `decodeValue`, `fromJson`) turn it into a value, and nothing of it gets past them.
 */

/**
 * Closed list of reasons.
 * - `truncated`, `trailing-bytes`: fewer or more bytes than the value has.
 * - `oversized`: a length, count or frame above its limit.
 * - `unknown-type`: no message has this tag or `type`.
 * - `out-of-range`: a number, flag, character, name or length that the field cannot have.
 * - `not-canonical`: another encoding is the only one allowed for this value.
 * - `inconsistent`: fields that exclude each other.
 * - `digest-mismatch`: attached content that does not hash to the digest beside it.
 * - `bundle-mismatch`: requests that cannot stand in the bundle they name.
 * - `wrong-type`, `missing-field`, `unknown-field`: JSON only.
 */
export const REFUSAL_CODES = [
  'truncated',
  'trailing-bytes',
  'oversized',
  'unknown-type',
  'out-of-range',
  'not-canonical',
  'inconsistent',
  'digest-mismatch',
  'bundle-mismatch',
  'wrong-type',
  'missing-field',
  'unknown-field',
] as const;

/** One of {@link REFUSAL_CODES}. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** A reason and the path of the field it was found in, such as `batch.requests[3].proof`; empty for the frame itself. */
export interface DecodeRefusal {
  readonly code: RefusalCode;
  readonly at: string;
}

/** The signal inside the codec. Not an Error: a stack trace for each bad frame would be the most expensive thing a flooder can ask for. */
export class Refused implements DecodeRefusal {
  readonly code: RefusalCode;
  readonly at: string;

  constructor(code: RefusalCode, at = '') {
    this.code = code;
    this.at = at;
  }
}

/** Stops decoding. `at` is relative to the value being read; each reader around it puts its own step in front. */
export function refuse(code: RefusalCode, at = ''): never {
  // oxlint-disable-next-line typescript/only-throw-error -- a signal, not an error: see Refused
  throw new Refused(code, at);
}

/** What to throw on: a refusal with `step` in front of its path, anything else as it is. */
export function within(step: string, thrown: unknown): unknown {
  if (!(thrown instanceof Refused)) return thrown;
  const separator = thrown.at === '' || thrown.at.startsWith('[') ? '' : '.';
  return new Refused(thrown.code, step + separator + thrown.at);
}
