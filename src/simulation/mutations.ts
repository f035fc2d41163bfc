/**
 * Small changes of any message, from nothing but its plain object: one field gets another value, a list is cut, doubled, turned round, or takes
 * what another message had there. Knows no message by name, so that a new one is covered at once.
 */
import type { Bytes } from '../base/bytes.ts';
import { InvariantViolation } from '../base/assert.ts';
import { MESSAGE_TYPES, batchDigest, encodeMessage, requestDigest } from '../messages/index.ts';
import type { AuthenticatedRequest, CodecContext, EncodedMessage, Message } from '../messages/index.ts';
import type { Random } from './random.ts';

/** Where a field is: names of members, numbers of list items. */
type Path = readonly (string | number)[];

/** Bytes of an operation and the like are not looked into deeper than this. */
const DEEPEST = 8;
/** Values that are likely to be a bound of something. */
const LANDMARKS: readonly number[] = [0, 1, 0xffffffff, Number.MAX_SAFE_INTEGER];
const HEX = '0123456789abcdef';

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** Every field of a value, outer ones first. */
export function fieldsOf(value: unknown, at: Path = []): readonly Path[] {
  if (at.length > DEEPEST) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => [[...at, index], ...fieldsOf(item, [...at, index])]);
  if (!isPlainObject(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => [[...at, name], ...fieldsOf(item, [...at, name])]);
}

/** What is at a path; undefined where there is nothing. */
export function fieldAt(value: unknown, [first, ...rest]: Path): unknown {
  if (first === undefined) return value;
  if (Array.isArray(value)) return typeof first === 'number' ? fieldAt(value[first], rest) : undefined;
  return isPlainObject(value) ? fieldAt(value[first], rest) : undefined;
}

/** The value with another one at a path that it has. Never changes what it is given. */
export function withField(value: unknown, [first, ...rest]: Path, replacement: unknown): unknown {
  if (first === undefined) return replacement;
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === first ? withField(item, rest, replacement) : item));
  }
  return isPlainObject(value) ? { ...value, [first]: withField(value[first], rest, replacement) } : value;
}

function nameOf(path: Path): string {
  return String(path.findLast((step) => typeof step === 'string') ?? '');
}

function changedNumber(random: Random, value: number): number {
  return Math.max(0, random.pick([value + 1, value - 1, value + random.between(-8, 8), random.pick(LANDMARKS)]));
}

function changedText(random: Random, value: string): string {
  const at = random.between(0, Math.max(0, value.length - 1));
  return value.slice(0, at) + HEX.charAt(random.between(0, 15)) + value.slice(at + 1);
}

/** One bit, or the length. */
export function changedBytes(random: Random, value: Bytes): Bytes {
  if (value.length === 0 || random.chance(0.1)) return Uint8Array.of(...value.slice(0, 64), 1);
  if (random.chance(0.2)) return value.slice(0, random.between(0, value.length - 1));
  const changed = value.slice();
  const at = random.between(0, changed.length - 1);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.between(0, 7));
  return changed;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function changedList(random: Random, list: readonly unknown[], foreign: unknown): readonly unknown[] {
  if (list.length === 0) return isList(foreign) ? foreign : list;
  const at = random.between(0, list.length - 1);
  switch (random.between(0, 4)) {
    case 0:
      return list.slice(0, at);
    case 1:
      return [...list.slice(0, at + 1), ...list.slice(at)];
    case 2:
      return list.length === 2 ? list.toReversed() : random.shuffle(list);
    case 3:
      return list.toSpliced(at, 1);
    default:
      return isList(foreign) ? [...list, ...foreign.slice(0, 3)] : list.toReversed();
  }
}

function changedValue(random: Random, value: unknown, foreign: unknown): unknown {
  if (isList(value)) return changedList(random, value, foreign);
  if (foreign !== undefined && random.chance(0.4)) return foreign;
  if (typeof value === 'number') return changedNumber(random, value);
  if (typeof value === 'string') return changedText(random, value);
  if (typeof value === 'boolean') return !value;
  if (value instanceof Uint8Array) return changedBytes(random, value);
  // An optional field that is not there takes another message's, or stays away; an object goes.
  return value === undefined ? foreign : undefined;
}

/** The message with one field changed, by its own rules or to what `others` have in a field of that name. May break every rule of its schema. */
export function changedMessage(random: Random, message: Message, others: readonly Message[]): unknown {
  const paths = fieldsOf(message).filter((path) => nameOf(path) !== 'type');
  if (paths.length === 0) return message;
  // By name first: else nearly all changes would hit the inside of long lists.
  const name = random.pick([...new Set(paths.map(nameOf))]);
  const path = random.pick(paths.filter((candidate) => nameOf(candidate) === name));
  const other = others.length > 0 ? random.pick(others) : undefined;
  const foreign = other === undefined ? [] : fieldsOf(other).filter((candidate) => nameOf(candidate) === name);
  const value = foreign.length > 0 ? fieldAt(other, random.pick(foreign)) : undefined;
  return withField(message, path, changedValue(random, fieldAt(message, path), value));
}

function isAuthenticatedRequest(value: unknown): value is AuthenticatedRequest {
  return isPlainObject(value) && 'request' in value && 'digest' in value && 'proof' in value;
}

/** Digests of requests and of a batch beside it become those of what is there now: well-formed again, and another message. */
export function withFreshDigests(codec: CodecContext, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withFreshDigests(codec, item));
  if (!isPlainObject(value)) return value;
  if (isAuthenticatedRequest(value)) {
    const digest = requestDigest(codec, value.request);
    if (value.proof.kind === 'signature') return { ...value, digest };
    const { bundle, position } = value.proof;
    return {
      ...value,
      digest,
      proof: { ...value.proof, bundle: { ...bundle, digests: bundle.digests.with(position, digest) } },
    };
  }
  const fresh = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withFreshDigests(codec, item)]));
  if (!hasBatch(fresh)) return fresh;
  return { ...fresh, digest: batchDigest(codec, fresh.batch) };
}

function hasBatch(value: object): value is { readonly batch: Parameters<typeof batchDigest>[1] } {
  return 'digest' in value && 'batch' in value && isPlainObject(value.batch);
}

/** A promise for the encoder, which looks closer. */
function claimsToBeMessage(value: unknown): value is Message {
  return isPlainObject(value) && MESSAGE_TYPES.some((type) => type === value['type']);
}

/** A message that may break its schema, encoded; undefined where it has no encoding. */
export function encodeAnything(
  value: unknown,
): { readonly message: Message; readonly encoded: EncodedMessage } | undefined {
  return attempt(() => (claimsToBeMessage(value) ? { message: value, encoded: encodeMessage(value) } : undefined));
}

/** What `make` gives; undefined where a value was not what the codec took it for. */
export function attempt<Made>(make: () => Made): Made | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof InvariantViolation || error instanceof TypeError || error instanceof RangeError)
      return undefined;
    throw error;
  }
}
