/** From the words of a command line to the JSON of an operation. Owns nothing. */
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';

/**
 * One word that starts with `{` is the JSON itself and is passed on byte for byte. Otherwise: the operation's name, then `field=value`; a
 * value that reads as JSON (a number, true, false, null, a list, an object, text in quotes) is that, anything else is text.
 */
export function readOperation(words: readonly string[]): Result<string, string> {
  const [first = '', ...rest] = words;
  if (first.trimStart().startsWith('{')) return rest.length === 0 ? checkJson(first) : fail(UNQUOTED);
  if (first === '' || first.includes('='))
    return fail(`the first word is the operation's name, not ${JSON.stringify(first)}`);
  const fields: [string, unknown][] = [['operation', first]];
  for (const word of rest) {
    const at = word.indexOf('=');
    if (at < 1) return fail(`${JSON.stringify(word)} is not of the form field=value`);
    const name = word.slice(0, at);
    if (fields.some(([known]) => known === name)) return fail(`the field ${JSON.stringify(name)} is given twice`);
    fields.push([name, readValue(word.slice(at + 1))]);
  }
  return ok(`{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`);
}

const UNQUOTED = `the JSON came in several words: put it into single quotes, '{"operation":"balance"}'`;

function checkJson(text: string): Result<string, string> {
  try {
    const value = JSON.parse(text) as { operation?: unknown };
    return typeof value.operation === 'string' ? ok(text) : fail('the JSON lacks its "operation", a string');
  } catch (error) {
    return fail(`this is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // A number that would not come out as it was typed (too large, 1.0, 1e3) is the application's to judge: it stays text.
    return typeof value === 'number' && String(value) !== text ? text : value;
  } catch {
    return text;
  }
}
