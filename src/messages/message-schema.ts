/**
 * A message of the protocol: an object whose first field is its type, behind a tag of one byte. Its *content* is what MACs and signatures
 * cover; *attached* fields come last, and the content binds each by a digest, or each proves itself.
 */
import type { Fields, ObjectOf, ObjectOptions, ObjectSchema } from './schema/composites.ts';
import { object } from './schema/composites.ts';
import { constant, silent } from './schema/scalars.ts';
import type { Schema } from './schema/schema.ts';

/** What the registry knows of a message. `C`: its content alone. */
export interface MessageSchema<T, C = unknown> extends ObjectSchema<T> {
  readonly type: string;
  /** First byte of the encoding; never used for another type again within a protocol version. */
  readonly tag: number;
  /** False: the JSON has no member `type`. */
  readonly isTyped: boolean;
  /** The content without what is attached: what a signature covers, and all that is left in a statement. Rules across fields are not checked. */
  readonly content: Schema<C>;
}

/** How a message is declared. */
export interface Declaration<Type extends string, Content extends Fields, Attached extends Fields> extends Omit<
  ObjectOptions<ObjectOf<Typed<Type> & Content & Attached>>,
  'contentFields'
> {
  readonly type: Type;
  readonly tag: number;
  readonly content: Content;
  readonly attached?: Attached;
  /** Default true. */
  readonly isTyped?: boolean;
}

type Typed<Type extends string> = { readonly type: ReturnType<typeof constant<Type>> };

type NoFields = Readonly<Record<never, never>>;

/** The schema of a message; the type of its values follows from its fields. */
export function message<const Type extends string, Content extends Fields, Attached extends Fields = NoFields>(
  declaration: Declaration<Type, Content, Attached>,
): MessageSchema<ObjectOf<Typed<Type> & Content & Attached>, ObjectOf<Typed<Type> & Content>> {
  const { type, tag, content, attached, isTyped = true, ...options } = declaration;
  const bare = { type: isTyped ? constant(type) : silent(type), ...content } as Typed<Type> & Content;
  const fields = { ...bare, ...attached } as Typed<Type> & Content & Attached;
  const schema = object(fields, { ...options, contentFields: 1 + Object.keys(content).length });
  return { ...schema, type, tag, isTyped, content: object(bare) };
}
