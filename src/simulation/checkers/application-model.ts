/**
 * The application one operation after another, with idempotency keys, as the sequential model of what clients see. Owns a content that can be
 * taken back step by step. Shares no code with src/state, on purpose.
 */
import { toHex } from '../../base/bytes.ts';
import type { Bytes } from '../../base/bytes.ts';
import { asSequence } from '../../base/ids.ts';
import type { ClientId } from '../../base/ids.ts';
import { operationsIn } from './compound-reading.ts';
import type { Footprint } from './footprint.ts';
import { ReversibleContent } from './reversible-content.ts';
import type { SequentialModel } from './linearizability.ts';
import type { ObservedApplication } from './observed-application.ts';

/** What a client asked for, as far as it decides what comes of it. */
export interface RequestedOperation {
  readonly client: ClientId;
  /** Of a compound request the list. */
  readonly operation: Bytes;
  readonly isCompound: boolean;
  readonly idempotency: { readonly scope: string; readonly key: string } | undefined;
}

/** The operations of a request, in order. */
export function operationsOf({
  operation,
  isCompound,
}: Pick<RequestedOperation, 'operation' | 'isCompound'>): readonly Bytes[] {
  return isCompound ? (operationsIn(operation) ?? []) : [operation];
}

/** What a client sees of a compound request: of each operation what it would see of it alone. */
export function tellAll(seen: readonly string[]): string {
  return `[${seen.join(', ')}]`;
}

/** What a client sees when its idempotency key is taken by another operation. */
export const KEY_CONFLICT = 'rejected idempotency_key_reused';

/** What a client sees of an execution, or of the first outcome of its key. */
export function tellSeen(replayed: boolean, seen: string): string {
  return `${replayed ? 'replayed' : 'executed'} ${seen}`;
}

export interface ModelOptions {
  readonly application: ObservedApplication;
  /** So many idempotency keys are remembered; undefined: there are not more than can be. */
  readonly keyLimit: number | undefined;
}

/** Of one request under these options: keys of the application, and of the table of idempotency keys. */
export function footprintOf(requested: RequestedOperation, { application, keyLimit }: ModelOptions): Footprint {
  const footprint = [...new Set(operationsOf(requested).flatMap((operation) => application.footprint(operation)))];
  if (requested.idempotency === undefined) return footprint;
  // Where keys are forgotten, each use of one decides which.
  return [...footprint, keyLimit === undefined ? keyName(requested.idempotency) : KEY_PREFIX];
}

export class ApplicationModel implements SequentialModel<RequestedOperation> {
  readonly #options: ModelOptions;
  readonly #content = new ReversibleContent();

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#content.begin(['']);
    options.application.machine.initialize?.(this.#content);
  }

  get state(): string {
    return this.#content.fingerprint;
  }

  apply(requested: RequestedOperation): string {
    const content = this.#content;
    content.begin(footprintOf(requested, this.#options));
    const { operation, idempotency } = requested;
    if (idempotency === undefined) return tellSeen(false, this.#execute(requested));
    const name = keyName(idempotency);
    const first = content.note(name);
    const body = `${toHex(operation)} `;
    if (first?.startsWith(body) === true) return tellSeen(true, first.slice(body.length));
    if (first !== undefined) return KEY_CONFLICT;
    const seen = this.#execute(requested);
    content.setNote(name, body + seen);
    this.#forgetOldest(name);
    return tellSeen(false, seen);
  }

  undo(): void {
    this.#content.undo();
  }

  /** Place and agreed time are the same for all: `seen` leaves out what depends on them. */
  #execute(requested: RequestedOperation): string {
    const { machine, seen } = this.#options.application;
    const context = { sequence: asSequence(1), index: 0, timestamp: 0, client: requested.client };
    const each = operationsOf(requested).map((operation) =>
      seen(operation, machine.execute(this.#content, operation, context)),
    );
    return requested.isCompound ? tellAll(each) : (each[0] ?? '');
  }

  /** `name` has come; the first to come goes when there are too many. */
  #forgetOldest(name: string): void {
    const { keyLimit } = this.#options;
    if (keyLimit === undefined) return;
    const names = [...(this.#content.note(KEYS_IN_ORDER)?.split('\n') ?? []), name];
    const forgotten = names.splice(0, names.length - keyLimit);
    for (const old of forgotten) this.#content.setNote(old, undefined);
    this.#content.setNote(KEYS_IN_ORDER, names.join('\n'));
  }
}

/** In the notes of a content, beside the hexadecimal keys of the application. Keys are printable, so no line break is in a name. */
const KEY_PREFIX = 'key ';
const KEYS_IN_ORDER = 'keys in order';

function keyName({ scope, key }: { readonly scope: string; readonly key: string }): string {
  return `${KEY_PREFIX}${JSON.stringify([scope, key])}`;
}
