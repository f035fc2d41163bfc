import { beforeEach, describe, expect, it } from 'vitest';
import type { StreamEventKind } from '../../api/index.ts';
import { KindTally } from './kind-tally.ts';

const WINDOW = 65_536;

describe('KindTally', () => {
  let tally: KindTally;
  beforeEach(() => {
    tally = new KindTally();
  });

  function lose(kind: StreamEventKind, times = 1): void {
    for (let time = 0; time < times; time += 1) tally.gone(kind, tally.add(kind));
  }
  const missing = (after: number, kinds: readonly StreamEventKind[], kept: readonly number[] = []): number =>
    tally.missing(
      after,
      (kind) => kinds.includes(kind),
      kept.map((number) => ({ number, kind: kinds[0] ?? 'link', text: '' })),
    );

  it('counts what is wanted, above a number, and is not kept', () => {
    lose('prepared', 10);
    lose('suspicion');
    lose('committed', 10);
    lose('suspicion');
    expect(tally.number).toBe(22);
    expect(missing(0, ['suspicion'])).toBe(2);
    expect(missing(11, ['suspicion'])).toBe(1);
    expect(missing(0, ['suspicion'], [11])).toBe(1);
    expect(missing(5, ['prepared', 'suspicion'])).toBe(7);
    expect(missing(22, ['suspicion'])).toBe(0);
    expect(missing(0, ['link'])).toBe(0);
    expect(tally.missing(3, () => true, [])).toBe(19);
  });

  it('counts what is far back as one a kind, and never what is not wanted', () => {
    lose('suspicion', 5);
    lose('view-entered', 5);
    const link = tally.add('link');
    lose('prepared', WINDOW);
    expect(missing(0, ['suspicion', 'view-entered', 'link'], [link])).toBe(2);
    expect(missing(5, ['suspicion', 'view-entered', 'link'], [link])).toBe(1);
    expect(missing(10, ['suspicion', 'view-entered', 'link'], [link])).toBe(0);
    lose('suspicion', 3);
    expect(missing(0, ['suspicion', 'link'], [link])).toBe(3);
    expect(tally.missing(0, () => true, [])).toBe(tally.number);
  });
});
