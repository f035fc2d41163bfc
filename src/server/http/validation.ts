/** Schema validation. Bodies are taken as they are; the texts of a query are read strictly as what the schema asks for. */
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

/** Numbers and booleans of a query string; anything that is not exactly one stays a text and is refused by the schema. */
function readQueryValue(text: unknown): unknown {
  if (typeof text !== 'string') return text;
  if (text === 'true') return true;
  if (text === 'false') return false;
  return /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : text;
}

function readQuery(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query;
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, readQueryValue(value)]));
}

/** One compiled check per schema. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  // Node gives every header as text, and who reads one looks at what is in it.
  if (httpPart === 'headers') return () => true;
  const validator = Compile(schema);
  return (value: unknown) => {
    const read = httpPart === 'querystring' ? readQuery(value) : value;
    if (validator.Check(read)) return { value: read };
    return { error: [...validator.Errors(read)] };
  };
};
