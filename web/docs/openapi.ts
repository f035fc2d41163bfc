/** `/openapi.json` as the page needs it: endpoints with their parameters, bodies and answers. Pure; what it does not understand it leaves out. */

/** A JSON schema, as far as it is read here. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly example?: unknown;
  readonly title?: string;
  readonly $ref?: string;
}

export interface Parameter {
  readonly name: string;
  readonly place: 'query' | 'path' | 'header';
  readonly isRequired: boolean;
  readonly description: string;
  readonly schema: Schema;
}

export interface Answer {
  /** `200`, `4XX`. */
  readonly status: string;
  readonly contentType: string;
  readonly schema: Schema;
}

export interface Endpoint {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
  readonly answers: readonly Answer[];
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objectAt = (value: unknown, key: string): Json => {
  const found = isObject(value) ? value[key] : undefined;
  return isObject(found) ? found : {};
};
const textAt = (value: unknown, key: string): string => {
  const found = isObject(value) ? value[key] : undefined;
  return typeof found === 'string' ? found : '';
};

const PLACES: readonly string[] = ['query', 'path', 'header'] satisfies Parameter['place'][];
const isPlace = (place: string): place is Parameter['place'] => PLACES.includes(place);

/** All endpoints, by path, GET before POST. */
export function readApi(document: unknown): readonly Endpoint[] {
  const resolve = resolver(document);
  return Object.entries(objectAt(document, 'paths')).flatMap(([path, methods]) =>
    (['GET', 'POST'] as const).flatMap((method) => {
      const operation = isObject(methods) ? methods[method.toLowerCase()] : undefined;
      return isObject(operation) ? [endpointOf({ method, path, operation, resolve })] : [];
    }),
  );
}

type Resolve = (schema: unknown) => Schema;

/** Replaces a reference by what it names, one step: schemas that contain themselves stay finite. */
function resolver(document: unknown): Resolve {
  const schemas = objectAt(objectAt(document, 'components'), 'schemas');
  return (schema) => {
    if (!isObject(schema)) return {};
    const name = textAt(schema, '$ref').replace('#/components/schemas/', '');
    return name === '' ? schema : objectAt(schemas, name);
  };
}

interface Found {
  readonly method: Endpoint['method'];
  readonly path: string;
  readonly operation: Json;
  readonly resolve: Resolve;
}

function endpointOf({ method, path, operation, resolve }: Found): Endpoint {
  const { tags, parameters } = operation;
  const content = objectAt(objectAt(operation, 'requestBody'), 'content');
  const [body] = Object.values(content);
  return {
    method,
    path,
    tag: Array.isArray(tags) && typeof tags[0] === 'string' ? tags[0] : 'other',
    summary: textAt(operation, 'summary'),
    parameters: Array.isArray(parameters) ? parameters.flatMap((parameter) => parameterOf(parameter, resolve)) : [],
    body: isObject(body) ? bodyOf(body, resolve) : undefined,
    answers: Object.entries(objectAt(operation, 'responses')).flatMap(([status, answer]) =>
      Object.entries(objectAt(answer, 'content')).map(([contentType, media]) => ({
        status,
        contentType,
        schema: resolve(isObject(media) ? media['schema'] : undefined),
      })),
    ),
  };
}

/** The schema of a body. An example of the whole stands beside it. */
function bodyOf(media: Json, resolve: Resolve): Schema {
  const schema = resolve(media['schema']);
  const { example } = media;
  return example === undefined ? schema : { ...schema, example };
}

function parameterOf(parameter: unknown, resolve: Resolve): readonly Parameter[] {
  const place = textAt(parameter, 'in');
  if (!isObject(parameter) || !isPlace(place)) return [];
  const schema = resolve(parameter['schema']);
  const name = textAt(parameter, 'name');
  const description = textAt(parameter, 'description') || (schema.description ?? '');
  return [{ name, place, isRequired: parameter['required'] === true, description, schema }];
}

/** A type in a few words: `integer 1…60000`, `"a" or "b"`, `list of string`. */
export function typeText(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeText))].join(' or ');
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : typeText(schema.items)}`;
  const { minimum, maximum } = schema;
  const range =
    minimum === undefined && maximum === undefined
      ? ''
      : ` ${minimum ?? ''}${maximum === undefined ? '…' : `…${maximum}`}`;
  return `${schema.type ?? 'anything'}${range}`;
}

/** The members of an object, of the objects in a list, or of each object that it may be; empty where it has none. */
export function membersOf(
  schema: Schema,
): readonly { readonly name: string; readonly schema: Schema; readonly isRequired: boolean }[] {
  if (schema.type === 'array' && schema.items !== undefined) return membersOf(schema.items);
  if (schema.anyOf !== undefined) {
    const named = schema.anyOf.flatMap(membersOf);
    return [...new Map(named.map((member) => [member.name, member])).values()];
  }
  return Object.entries(schema.properties ?? {}).map(([name, member]) => ({
    name,
    schema: member,
    isRequired: schema.required?.includes(name) === true,
  }));
}

/** A value that the schema takes, from its own examples where it has any. */
export function exampleOf(schema: Schema, depth = 0): unknown {
  if (schema.examples !== undefined && schema.examples.length > 0) return schema.examples[0];
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [first] = schema.anyOf ?? [];
  if (first !== undefined) return exampleOf(first, depth);
  switch (schema.type) {
    case 'object':
      if (depth > 4) return {};
      return Object.fromEntries(
        membersOf(schema)
          .filter(({ isRequired }) => isRequired)
          .map((member) => [member.name, exampleOf(member.schema, depth + 1)]),
      );
    case 'array':
      return schema.items === undefined || depth > 4 ? [] : [exampleOf(schema.items, depth + 1)];
    case 'integer':
    case 'number':
      return schema.minimum ?? 0;
    case 'boolean':
      return false;
    default:
      return '';
  }
}

/** The path with its parameters filled in, and what goes into query and headers. Empty values are left out. */
export function requestFor(
  endpoint: Endpoint,
  values: Readonly<Record<string, string>>,
): { readonly path: string; readonly headers: Readonly<Record<string, string>> } {
  let { path } = endpoint;
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const { name, place } of endpoint.parameters) {
    const value = values[name] ?? '';
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== '' && place === 'query') query.set(name, value);
    else if (value !== '') headers[name] = value;
  }
  const search = query.toString();
  return { path: search === '' ? path : `${path}?${search}`, headers };
}

/** The same call for a terminal. Single quotes in the body are closed and opened again, as a shell wants it. */
export function curlFor(
  origin: string,
  call: { method: string; path: string; headers: Readonly<Record<string, string>>; body: string | undefined },
): string {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const headers = Object.entries(call.headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`);
  const body = call.body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quote(call.body)}`];
  const method = call.method === 'GET' ? [] : [`-X ${call.method}`];
  return ['curl -s', ...method, quote(`${origin}${call.path}`), ...headers, ...body].join(' ');
}
