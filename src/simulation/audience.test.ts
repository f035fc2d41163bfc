import { describe, expect, test } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { Audience } from './audience.ts';
import { Demand, demand, Violation } from './observer.ts';
import type { Checker, Observer } from './observer.ts';

/** Demands `first` and then `second` at every crash; `points` are those that are broken. */
class Judge implements Checker {
  readonly judges = ['first', 'second'];
  readonly #first = new Demand('first');
  readonly isLostBy: readonly string[];
  seen = 0;

  constructor(...isLostBy: readonly string[]) {
    this.isLostBy = isLostBy;
  }

  crashed(_node: unknown, point: string): void {
    this.seen += 1;
    this.#first.check(!point.includes('first'), () => `first at ${this.seen}`);
    demand(!point.includes('second'), 'second', () => `second at ${this.seen}`);
  }
}

function told(...observers: readonly Observer[]): {
  readonly audience: Audience;
  readonly broken: string[];
  readonly crash: (...points: readonly string[]) => void;
} {
  const broken: string[] = [];
  const audience = new Audience(({ message }) => broken.push(message));
  for (const observer of observers) audience.add(observer);
  const crash = (...points: readonly string[]): void => {
    for (const point of points) audience.tellAll((observer) => observer.crashed?.(asReplicaId(0), point));
  };
  return { audience, broken, crash };
}

describe('whoever observes a world', () => {
  test('ends the run by what is broken, where nobody takes note', () => {
    const audience = new Audience(undefined);
    audience.add(new Judge());
    expect(() => audience.tellAll((observer) => observer.crashed?.(asReplicaId(0), 'first'))).toThrow(Violation);
  });

  test('tells each broken invariant once, and goes on with the others', () => {
    const { audience, broken, crash } = told(new Judge());
    crash('first', 'first second', 'first second');
    expect(broken).toEqual(['first at 1', 'second at 2']);
    expect([...audience.judged]).toEqual(['first', 'second']);
  });

  test('that is lost by one judges nothing any more, and it is known why', () => {
    const judge = new Judge('second');
    const { audience, broken, crash } = told(judge);
    crash('second', 'first');
    expect(broken).toEqual(['second at 1']);
    expect(judge.seen).toBe(1);
    expect(audience.judged.size).toBe(0);
    expect(audience.lost.get('first')).toBe('second');
  });

  test('may be lost while another one judges the same', () => {
    const { audience, crash } = told(new Judge('first'), new Judge());
    crash('first');
    expect([...audience.judged]).toEqual(['first', 'second']);
    expect(audience.lost.size).toBe(0);
  });

  test('passes on what is no broken invariant', () => {
    const { crash } = told({
      crashed: () => {
        throw new RangeError('a fault');
      },
    });
    expect(() => crash('')).toThrow(RangeError);
  });
});
