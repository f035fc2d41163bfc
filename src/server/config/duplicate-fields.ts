/** Fields that stand twice in one object of a JSON text: the parser silently takes the last, so a setting may not be the one that is read. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

interface Level {
  readonly path: string;
  /** Names seen so far; undefined inside a list. */
  readonly names: Set<string> | undefined;
  /** The name, or the index in a list, of what comes next. */
  at: string;
  index: number;
}

/** The paths of repeated fields, `http.port` style, in order. Requires: `text` is JSON that parses. */
export function duplicateFields(text: string): readonly string[] {
  const duplicates: string[] = [];
  const levels: Level[] = [];
  const pathHere = (): string => {
    const level = levels.at(-1);
    if (level === undefined) return '';
    if (level.names === undefined) return `${level.path}[${level.index}]`;
    return level.path === '' ? level.at : `${level.path}.${level.at}`;
  };
  let lastText = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      levels.push({ path: pathHere(), names: token === '{' ? new Set() : undefined, at: '', index: 0 });
    } else if (token === '}' || token === ']') {
      levels.pop();
    } else if (token === ',') {
      if (level !== undefined) level.index += 1;
    } else if (token === ':') {
      if (level?.names === undefined) continue;
      level.at = lastText;
      if (level.names.has(lastText)) duplicates.push(pathHere());
      level.names.add(lastText);
    } else {
      lastText = JSON.parse(token) as string;
    }
  }
  return duplicates;
}
