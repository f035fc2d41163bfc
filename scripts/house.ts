// House rules that no compiler or linter checks: style executed as a test. Run by `npm run verify`.
// It only reads. Each rule says what is wrong and what to do instead; exit code 1 if anything was found.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** One breach of a house rule: where it is and what to do. `line` starts at 1. */
export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly advice: string;
}

interface LineRule {
  /** Which files, by their path relative to the root with `/` between folders. */
  readonly appliesTo: (path: string) => boolean;
  readonly pattern: RegExp;
  /** `code` skips comments, where the words of the pattern may well be meant as words. */
  readonly within: 'everything' | 'code';
  readonly advice: string;
}

const MAX_LINES = 600;

const CORE_FLOORS = ['base', 'messages', 'protocol', 'state', 'apps', 'byzantine', 'simulation', 'lab'];

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', 'dist', 'coverage', 'pbft-data', 'screenshots']);

const BINARY_FILE = /\.(png|jpg|ico|woff2|gz|bin)$/;

const isTypeScript = (path: string): boolean => /\.tsx?$/.test(path);
const isTest = (path: string): boolean => path.endsWith('.test.ts') || path.startsWith('test/');
const isSource = (path: string): boolean => /^(?:src|web)\//.test(path) && isTypeScript(path);
const isCore = (path: string): boolean => CORE_FLOORS.some((floor) => path.startsWith(`src/${floor}/`));
const isCoreCode = (path: string): boolean => isSource(path) && isCore(path) && !isTest(path);
/** This file and its test have to spell out what they forbid; the lockfile has rules of its own. */
const spellsOutTheRules = (path: string): boolean =>
  path === 'scripts/house.ts' || path.startsWith('test/house/') || path === 'package-lock.json';

const LINE_RULES: readonly LineRule[] = [
  {
    appliesTo: (path) => isSource(path) || path.startsWith('test/'),
    pattern: /\b(?:TODO|FIXME|XXX)\b/,
    within: 'everything',
    advice: 'do it now, or open an issue: the code holds no notes to self',
  },
  {
    appliesTo: isSource,
    pattern: /:\s*any\b|\bas any\b|<any>|\bas unknown as\b/,
    within: 'code',
    advice: 'give it its type; narrow what comes from outside with a decoder',
  },
  {
    appliesTo: (path) => isSource(path) || path.startsWith('test/'),
    pattern: /@ts-(?:ignore|nocheck|expect-error)\b/,
    within: 'everything',
    advice: 'make the types tell the truth instead of silencing the compiler',
  },
  {
    appliesTo: isTest,
    pattern: /\b(?:describe|it|test|suite)(?:\.\w+)*\.(?:only|skip|skipIf|runIf|todo)\b/,
    within: 'code',
    advice: 'every test runs, always: fix it or delete it',
  },
  {
    appliesTo: isCoreCode,
    pattern:
      /\bDate\.now\b|\bnew Date\b|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\.[a-z]|\bconsole\./,
    within: 'code',
    advice:
      'the core has no clock, randomness, timers, environment or output: take it as an argument, return it as an output',
  },
  {
    appliesTo: isCoreCode,
    pattern: /\basync\b|\bawait\b|\bPromise\b/,
    within: 'code',
    advice: 'the core is synchronous: ask with an output, get the answer as an input',
  },
  {
    appliesTo: (path) => isSource(path) && !isTest(path),
    pattern: /^(?:export )?(?:let|var) /,
    within: 'code',
    advice: 'no module-level mutable state: give it an owner',
  },
  {
    appliesTo: (path) => isSource(path) && !path.startsWith('src/cli/') && !isTest(path),
    pattern: /\bconsole\./,
    within: 'code',
    advice: 'only the command line talks to the terminal: use the logger',
  },
  {
    appliesTo: isSource,
    pattern: /\b(?:leader|follower)s?\b/i,
    within: 'everything',
    advice: "use the paper's words: primary, backup",
  },
  {
    appliesTo: () => true,
    pattern: /(?<![\w.~$}-])\/(?:work|root|Users)\/|\/home\/[a-z]\w*\/|\.\.\/shared\/|\.library\//,
    within: 'everything',
    advice: 'a path of one machine: make it relative to the repository, or take it from os.tmpdir()',
  },
  {
    appliesTo: () => true,
    pattern: /\bhttps?:\/\/[^/\s'"]*\b(?:registry|npm|artifactory|nexus|verdaccio)\b[^/\s'"]*|^\s*registry\s*=/,
    within: 'everything',
    advice: 'the registry is a matter of the machine, not of the project: leave its host out',
  },
];

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'(?<specifier>[^']+)'/;
const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d)?\.tsx?$/;
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** Blanks what is only comment, by line: enough for formatted code, where a block comment's lines start with `*`. */
function withoutComment(line: string): string {
  return /^\s*(?:\/\/|\/\*|\*)/.test(line) ? '' : line.replace(/(?:^|\s)\/\/ .*$/, '');
}

function checkImport(path: string, code: string): string | undefined {
  const specifier = IMPORT.exec(code)?.groups?.['specifier'];
  if (specifier === undefined || !isCoreCode(path) || specifier.startsWith('.')) return undefined;
  // The simulated world computes digests synchronously and without Node; nothing below it may.
  if (path.startsWith('src/simulation/') && specifier.startsWith('@noble/hashes/')) return undefined;
  return `core floors have no dependencies, so not '${specifier}': put it behind a port`;
}

/** Every breach in one text file of the repository. `path` is relative to the root, with `/` between folders. */
export function checkText(path: string, text: string): Problem[] {
  const problems: Problem[] = [];
  const report = (line: number, advice: string): void => {
    problems.push({ path, line, advice });
  };

  const lines = text.split('\n');
  const lineCount = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  if (isSource(path) && lineCount > MAX_LINES) {
    report(MAX_LINES + 1, `${lineCount} lines, at most ${MAX_LINES}: split it along its ideas`);
  }
  const fileName = path.slice(path.lastIndexOf('/') + 1);
  if (isSource(path) && !FILE_NAME.test(fileName)) {
    report(1, 'file names are kebab-case nouns: `view-change.ts`, its test `view-change.test.ts`');
  }

  const rules = spellsOutTheRules(path) ? [] : LINE_RULES.filter((rule) => rule.appliesTo(path));
  for (const [index, line] of lines.entries()) {
    const code = withoutComment(line);
    for (const rule of rules) {
      const found = rule.pattern.exec(rule.within === 'code' ? code : line);
      if (found !== null) report(index + 1, `\`${found[0].trim()}\`: ${rule.advice}`);
    }
    const badImport = checkImport(path, code);
    if (badImport !== undefined) report(index + 1, badImport);
  }
  return problems;
}

/** Dependencies are pinned to exact versions, so that every machine runs what was tested. */
export function checkManifest(path: string, text: string): Problem[] {
  const manifest = JSON.parse(text) as Record<string, unknown>;
  const sections = ['dependencies', 'devDependencies', 'optionalDependencies'];
  return sections.flatMap((section) =>
    Object.entries((manifest[section] ?? {}) as Record<string, string>)
      .filter(([, version]) => !EXACT_VERSION.test(version))
      .map(([name, version]) => ({
        path,
        line: text.split('\n').findIndex((line) => line.includes(`"${name}":`)) + 1,
        advice: `${name} is "${version}": write an exact version, such as 1.2.3`,
      })),
  );
}

/** A lockfile names packages by version and checksum; the host they came from is a matter of the machine. */
export function checkLockfile(path: string, text: string): Problem[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      /"resolved":\s*"(?:https?|git)/.test(line)
        ? [{ path, line: index + 1, advice: 'remove `resolved`: run `npm install` with the .npmrc of this repository' }]
        : [],
    );
}

/** Where the graves are listed, one row of a table each: `| G01 | what must never happen again | |`. */
const GRAVES_FILE = 'test/graves/README.md';
const GRAVE_ROW = /^\|\s*(?<grave>G\d\d)\s*\|(?<what>[^|]*)\|(?<exempt>[^|]*)\|\s*$/;
/** In the title of a test: `G01:`, `[G01]` or `(G01)`, and what follows it is a string. */
const GRAVE_IN_TITLE = /['"`](?:[^'"`]*[[(])?(?<grave>G\d\d)[:\])]/g;

/** The graves that titles of tests in this file name. */
export function gravesNamedIn(text: string): ReadonlySet<string> {
  const named = text
    .split('\n')
    .flatMap((line) =>
      [...withoutComment(line).matchAll(GRAVE_IN_TITLE)].map((match) => match.groups?.['grave'] ?? ''),
    );
  return new Set(named);
}

/** Every listed grave has a named test, or a reason why not yet; no number is left out, and none is named that is not listed. */
export function checkGraves(list: string, tests: ReadonlyMap<string, string>): Problem[] {
  const problems: Problem[] = [];
  const rows = list.split('\n').flatMap((line, index) => {
    const groups = GRAVE_ROW.exec(line)?.groups;
    return groups === undefined
      ? []
      : [{ line: index + 1, grave: groups['grave'] ?? '', exempt: groups['exempt'] ?? '' }];
  });
  const report = (line: number, advice: string): void => {
    problems.push({ path: GRAVES_FILE, line, advice });
  };
  const named = new Map<string, string>();
  for (const [path, text] of tests) for (const grave of gravesNamedIn(text)) named.set(grave, path);
  for (const [index, { line, grave, exempt }] of rows.entries()) {
    const expected = `G${String(index + 1).padStart(2, '0')}`;
    if (grave !== expected) report(line, `${grave} where ${expected} belongs: every grave has one row, in order`);
    if (exempt.trim() === '' && !named.has(grave))
      report(line, `no test names ${grave}: write one whose title begins with \`${grave}:\``);
  }
  if (rows.length === 0) report(1, 'the table of the graves is missing');
  const listed = new Set(rows.map(({ grave }) => grave));
  for (const [grave, path] of named)
    if (!listed.has(grave)) problems.push({ path, line: 1, advice: `${grave} is not listed in ${GRAVES_FILE}` });
  return problems;
}

function* filesUnder(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED_FOLDERS.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path);
    else if (entry.isFile() && !BINARY_FILE.test(entry.name)) yield path;
  }
}

function checkRepository(root: string): { readonly fileCount: number; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const tests = new Map<string, string>();
  let graves = '';
  let fileCount = 0;
  for (const file of filesUnder(root)) {
    const path = relative(root, file).split(sep).join('/');
    const text = readFileSync(file, 'utf8');
    fileCount += 1;
    problems.push(...checkText(path, text));
    if (path === 'package.json') problems.push(...checkManifest(path, text));
    if (path === 'package-lock.json') problems.push(...checkLockfile(path, text));
    if (path === GRAVES_FILE) graves = text;
    if (path.endsWith('.test.ts') && !spellsOutTheRules(path)) tests.set(path, text);
  }
  problems.push(...checkGraves(graves, tests));
  return { fileCount, problems };
}

if (import.meta.main) {
  const { fileCount, problems } = checkRepository(join(import.meta.dirname, '..'));
  for (const problem of problems) console.error(`${problem.path}:${problem.line}  ${problem.advice}`);
  console.log(`house: ${fileCount} files, ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  if (problems.length > 0) process.exitCode = 1;
}
