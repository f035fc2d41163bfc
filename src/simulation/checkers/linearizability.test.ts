import { describe, expect, test } from 'vitest';
import { Random } from '../random.ts';
import { findContradiction, tellContradiction } from './contradiction.ts';
import { partition } from './footprint.ts';
import { findOrder } from './linearizability.ts';
import type { Call, SequentialModel } from './linearizability.ts';

/** Cells that hold 0 at first. `copy` reads one and writes another. */
type Operation =
  | { readonly kind: 'read'; readonly cell: string }
  | { readonly kind: 'write'; readonly cell: string; readonly value: number }
  | { readonly kind: 'add'; readonly cell: string }
  | { readonly kind: 'copy'; readonly cell: string; readonly to: string };

type Cells = Readonly<Record<string, number>>;

function step(cells: Cells, operation: Operation): { readonly cells: Cells; readonly seen: string } {
  const { kind, cell } = operation;
  const held = cells[cell] ?? 0;
  switch (kind) {
    case 'read':
      return { cells, seen: `${held}` };
    case 'write':
      return { cells: { ...cells, [cell]: operation.value }, seen: 'ok' };
    case 'add':
      return { cells: { ...cells, [cell]: held + 1 }, seen: `${held + 1}` };
    case 'copy':
      return { cells: { ...cells, [operation.to]: held }, seen: `${held}` };
  }
}

class CellModel implements SequentialModel<Operation> {
  readonly #past: Cells[] = [];
  #cells: Cells = {};

  get state(): string {
    return JSON.stringify(
      Object.keys(this.#cells)
        .toSorted()
        .map((cell) => [cell, this.#cells[cell]]),
    );
  }

  apply(operation: Operation): string {
    this.#past.push(this.#cells);
    const { cells, seen } = step(this.#cells, operation);
    this.#cells = cells;
    return seen;
  }

  undo(): void {
    this.#cells = this.#past.pop() ?? {};
  }
}

type CellCall = Call<Operation>;

const footprintOf = ({ operation }: CellCall): readonly string[] =>
  operation.kind === 'copy' ? [operation.cell, operation.to] : [operation.cell];

/** Every order of every subset that holds all answered calls: slow, and simple enough to be believed. */
function isLinearizable(calls: readonly CellCall[]): boolean {
  const open = calls.filter((call) => call.answer === undefined);
  const answered = calls.filter((call) => call.answer !== undefined);
  return subsets(open).some((some) => orders([...answered, ...some]).some(explains));
}

function subsets<Element>(elements: readonly Element[]): readonly (readonly Element[])[] {
  return elements.reduce<readonly (readonly Element[])[]>(
    (known, element) => [...known, ...known.map((subset) => [...subset, element])],
    [[]],
  );
}

function orders<Element>(elements: readonly Element[]): readonly (readonly Element[])[] {
  if (elements.length === 0) return [[]];
  return elements.flatMap((first) =>
    orders(elements.filter((other) => other !== first)).map((others) => [first, ...others]),
  );
}

function explains(order: readonly CellCall[]): boolean {
  const keepsTime = order.every((call, place) =>
    order.slice(place + 1).every((later) => later.answer === undefined || later.answer.at > call.invokedAt),
  );
  let cells: Cells = {};
  return (
    keepsTime &&
    order.every(({ operation, answer }) => {
      const stepped = step(cells, operation);
      cells = stepped.cells;
      return answer === undefined || answer.seen === stepped.seen;
    })
  );
}

function makeCall(operation: Operation, invokedAt: number, answer: CellCall['answer'], hint?: number): CellCall {
  return { operation, text: JSON.stringify(operation), name: `call ${invokedAt}`, invokedAt, answer, hint };
}

function randomOperation(random: Random, cells: readonly string[]): Operation {
  const [cell, to] = [random.pick(cells), random.pick(cells)];
  return random.pick<Operation>([
    { kind: 'read', cell },
    { kind: 'read', cell },
    { kind: 'write', cell, value: random.between(0, 2) },
    { kind: 'add', cell },
    { kind: 'copy', cell, to },
  ]);
}

interface Shape {
  readonly calls: number;
  readonly sessions: number;
  readonly cells: readonly string[];
  /** Shares of calls without an answer, and of hints that are there. */
  readonly open: number;
  readonly hinted: number;
}

/** Linearizable by construction: each call takes effect at one moment between its invocation and its answer. */
function randomHistory(random: Random, { calls, sessions, cells: names, open, hinted }: Shape): readonly CellCall[] {
  const history: CellCall[] = [];
  const busy: Underway[] = [];
  let cells: Cells = {};
  let effects = 0;
  for (let time = 1; history.length < calls; time += 1) {
    if (busy.length < sessions && history.length + busy.length < calls && random.chance(0.5)) {
      busy.push({ operation: randomOperation(random, names), invokedAt: time, seen: undefined, hint: undefined });
      continue;
    }
    if (busy.length === 0) continue;
    const call = random.pick(busy);
    const isOpen = random.chance(open);
    if (call.seen === undefined && !(isOpen && random.chance(0.5))) {
      const stepped = step(cells, call.operation);
      ({ cells } = stepped);
      effects += 1;
      call.seen = stepped.seen;
      call.hint = random.chance(hinted) ? effects : undefined;
      if (random.chance(0.5)) continue;
    }
    busy.splice(busy.indexOf(call), 1);
    const { operation, seen } = call;
    const answer = isOpen || seen === undefined ? undefined : { at: time, seen, isRead: operation.kind === 'read' };
    history.push(makeCall(operation, call.invokedAt, answer, call.hint));
  }
  return history;
}

interface Underway {
  readonly operation: Operation;
  readonly invokedAt: number;
  seen: string | undefined;
  hint: number | undefined;
}

/** One answer may become that of another state. */
function spoil(random: Random, history: readonly CellCall[]): readonly CellCall[] {
  const victim = random.pick(history);
  return history.map((call) => {
    if (call !== victim || call.answer === undefined || call.answer.seen === 'ok') return call;
    return { ...call, answer: { ...call.answer, seen: `${random.between(0, 2)}` } };
  });
}

/** Hints that mean nothing. */
function misled(random: Random, history: readonly CellCall[]): readonly CellCall[] {
  return history.map((call) => ({ ...call, hint: random.chance(0.7) ? random.between(0, 9) : undefined }));
}

const BUDGET = 100_000;
const verdictOf = (calls: readonly CellCall[], budget = BUDGET): string =>
  findOrder(calls, new CellModel(), { budget }).kind;

describe('small random histories', { timeout: 60_000 }, () => {
  const shape: Shape = { calls: 6, sessions: 3, cells: ['a', 'b'], open: 0.2, hinted: 0.5 };

  test('have the verdict of brute force, and an order that explains them', () => {
    const random = new Random(1, 'small histories');
    const verdicts = { linearizable: 0, impossible: 0 };
    for (let round = 0; round < 400; round += 1) {
      const calls = misled(random, spoil(random, randomHistory(random, shape)));
      const verdict = findOrder(calls, new CellModel(), { budget: BUDGET });
      const expected = isLinearizable(calls) ? 'linearizable' : 'impossible';
      expect(verdict.kind, `round ${round}: ${JSON.stringify(calls)}`).toBe(expected);
      verdicts[expected] += 1;
      expect(explains(verdict.kind === 'linearizable' ? verdict.order : [])).toBe(true);
    }
    expect(verdicts.linearizable).toBeGreaterThan(80);
    expect(verdicts.impossible).toBeGreaterThan(80);
  });

  test('are linearizable exactly when each of their parts is', () => {
    const random = new Random(2, 'parts');
    const verdicts = { whole: 0, parts: 0, impossible: 0 };
    for (let round = 0; round < 800; round += 1) {
      const calls = spoil(random, randomHistory(random, { ...shape, calls: 10, cells: ['a', 'b', 'c', 'd'] }));
      const parts = partition(calls, footprintOf);
      expect(parts.flat()).toHaveLength(calls.length);
      const expected = verdictOf(calls);
      const isEach = parts.every((part) => verdictOf(part) === 'linearizable');
      expect(isEach, `round ${round}`).toBe(expected === 'linearizable');
      verdicts[expected === 'impossible' ? 'impossible' : parts.length > 1 ? 'parts' : 'whole'] += 1;
    }
    expect(Math.min(...Object.values(verdicts))).toBeGreaterThan(25);
  });

  test('false hints change no verdict', () => {
    const random = new Random(3, 'hints');
    for (let round = 0; round < 800; round += 1) {
      const calls = spoil(random, randomHistory(random, { ...shape, calls: 9, open: 0.3, hinted: 1 }));
      expect(verdictOf(misled(random, calls)), `round ${round}`).toBe(verdictOf(calls));
    }
  });

  test('a contradiction is one by itself: its answers, and nothing else', () => {
    const random = new Random(4, 'contradictions');
    let count = 0;
    for (let round = 0; round < 120; round += 1) {
      const calls = spoil(random, randomHistory(random, shape));
      if (isLinearizable(calls)) continue;
      const found = findContradiction(calls, () => new CellModel(), BUDGET);
      const told = new Set([found?.call, ...(found?.given ?? [])].map((call) => call?.name));
      const known = calls
        .filter((call) => call.invokedAt < (found?.call.answer?.at ?? 0))
        .map((call) => (told.has(call.name) ? call : { ...call, answer: undefined }));
      expect(isLinearizable(known), `round ${round}`).toBe(false);
      count += 1;
    }
    expect(count).toBeGreaterThan(15);
  });
});

/** One line per call, `invoked answered operation → seen`; `-` for a call without an answer. */
function historyOf(...lines: readonly string[]): readonly CellCall[] {
  return lines.map((line) => {
    const [invoked = '', answered = '', kind, cell = '', value = '', , seen = ''] = line.split(' ');
    const operation: Operation =
      kind === 'write'
        ? { kind, cell, value: Number(value) }
        : kind === 'copy'
          ? { kind, cell, to: value }
          : { kind: kind === 'add' ? 'add' : 'read', cell };
    return makeCall(
      operation,
      Number(invoked),
      answered === '-' ? undefined : { at: Number(answered), seen, isRead: operation.kind === 'read' },
    );
  });
}

describe('classic histories', () => {
  test.each([
    ['no call at all', []],
    ['one after another', ['1 2 write x 1 → ok', '3 4 read x . → 1']],
    ['a read beside a write sees the old value', ['1 4 write x 1 → ok', '2 3 read x . → 0']],
    ['or the new one', ['1 4 write x 1 → ok', '2 3 read x . → 1']],
    ['two writes side by side, in either order', ['1 4 write x 1 → ok', '2 3 write x 2 → ok', '5 6 read x . → 1']],
    [
      'two reads in a row beside a write: old, then new',
      ['1 6 write x 1 → ok', '2 3 read x . → 0', '4 5 read x . → 1'],
    ],
    ['a write of unknown outcome took effect', ['1 - write x 1 → ', '2 3 read x . → 1']],
    ['or did so much later', ['1 - write x 1 → ', '2 3 read x . → 0', '4 5 read x . → 0', '6 7 read x . → 1']],
    ['or never', ['1 - write x 1 → ', '2 3 write x 2 → ok', '4 5 read x . → 2']],
    [
      'each of two equal ones at its own time',
      ['1 - add x . → ', '2 - add x . → ', '3 4 read x . → 1', '5 6 read x . → 2'],
    ],
  ])('%s: linearizable', (_, lines) => {
    expect(verdictOf(historyOf(...lines))).toBe('linearizable');
  });

  test.each([
    ['a stale read', ['1 2 write x 1 → ok', '3 4 read x . → 0']],
    ['a value that nobody wrote', ['1 2 read x . → 7']],
    ['a value that is written only later', ['1 2 read x . → 1', '3 4 write x 1 → ok']],
    [
      'two reads in a row beside a write: new, then old',
      ['1 6 write x 1 → ok', '2 3 read x . → 1', '4 5 read x . → 0'],
    ],
    ['a lost update', ['1 4 add x . → 1', '2 3 add x . → 1']],
    ['a write that took effect and is gone', ['1 - write x 1 → ', '2 3 read x . → 1', '4 5 read x . → 0']],
    ['one open call that took effect twice', ['1 - add x . → ', '2 3 read x . → 1', '4 5 read x . → 2']],
    ['an open call before it was made', ['1 2 read x . → 1', '3 - write x 1 → ']],
    [
      'readers who disagree on the order of two writes',
      ['1 12 write x 1 → ok', '2 11 write x 2 → ok', '3 4 read x . → 1', '5 6 read x . → 2', '7 8 read x . → 1'],
    ],
    [
      'each sees only its own write',
      ['1 2 write x 1 → ok', '1.5 3 write y 1 → ok', '4 6 read y . → 0', '5 7 read x . → 0'],
    ],
    ['a copy of what was overwritten', ['1 2 write x 1 → ok', '3 4 copy x y → 0']],
  ])('%s: not linearizable', (_, lines) => {
    const calls = historyOf(...lines);
    expect(verdictOf(calls)).toBe('impossible');
    expect(isLinearizable(calls)).toBe(false);
  });
});

describe('large histories', { timeout: 60_000 }, () => {
  const shape: Shape = { calls: 400, sessions: 16, cells: ['a', 'b', 'c'], open: 0.03, hinted: 1 };

  test('a correct one costs about one operation per call, given the order of execution', () => {
    for (let seed = 1; seed <= 8; seed += 1) {
      const calls = randomHistory(new Random(seed, 'large'), shape);
      expect(verdictOf(calls, 2 * calls.length), `seed ${seed}`).toBe('linearizable');
    }
  });

  /** With a value that was overwritten, read at the end. */
  function withStaleRead(history: readonly CellCall[]): readonly CellCall[] {
    const end = Math.max(...history.map((call) => call.answer?.at ?? call.invokedAt));
    return [
      ...history,
      makeCall({ kind: 'write', cell: 'a', value: 70 }, end + 1, { at: end + 2, seen: 'ok', isRead: false }),
      makeCall({ kind: 'write', cell: 'a', value: 71 }, end + 3, { at: end + 4, seen: 'ok', isRead: false }),
      makeCall({ kind: 'read', cell: 'a' }, end + 5, { at: end + 6, seen: '70', isRead: true }),
    ];
  }

  test('a stale read in one is found', () => {
    for (let seed = 1; seed <= 4; seed += 1) {
      const calls = withStaleRead(randomHistory(new Random(seed, 'stale'), { ...shape, sessions: 6, open: 0 }));
      expect(verdictOf(calls), `seed ${seed}`).toBe('impossible');
    }
  });

  test('and told by fewer answers', () => {
    for (let seed = 1; seed <= 4; seed += 1) {
      const calls = withStaleRead(
        randomHistory(new Random(seed, 'few'), { ...shape, calls: 30, sessions: 3, open: 0 }),
      );
      const found = findContradiction(calls, () => new CellModel(), BUDGET);
      expect(found?.call).toBe(calls.at(-1));
      expect(found?.given.length, `seed ${seed}`).toBeLessThan(calls.length * 0.6);
    }
  });

  test('without a budget nothing is decided', () => {
    expect(verdictOf(historyOf('1 2 write x 1 → ok'), 0)).toBe('undecided');
  });
});

test('a contradiction reads as a sentence', () => {
  const calls = historyOf(
    '1 2 add y . → 1',
    '3 4 write x 1 → ok',
    '5 6 write x 2 → ok',
    '7 - write x 3 → ',
    '8 9 read x . → 1',
    '10 11 add y . → 2',
  );
  const found = findContradiction(calls, () => new CellModel(), BUDGET);
  expect(found === undefined ? '' : tellContradiction(found, (at) => `${at} s`)).toBe(
    [
      'no order of the calls explains this answer:',
      '  call 8 [8 s to 9 s] {"kind":"read","cell":"x"} → 1',
      '  possible there: 2 or 3, given',
      '  call 3 [3 s to 4 s] {"kind":"write","cell":"x","value":1} → ok',
      '  call 5 [5 s to 6 s] {"kind":"write","cell":"x","value":2} → ok',
      '  and 2 calls that may take effect at any time from their invocation on',
    ].join('\n'),
  );
});
