import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apiError, ERROR_CATALOGUE, errorBody } from './error-catalogue.ts';

describe('the error catalogue', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| [0-9]/.test(line));

  it('and docs/errors.md say the same, line by line', () => {
    const expected = Object.entries(ERROR_CATALOGUE).map(
      ([code, { status, meaning, advice }]) => `| ${status} | \`${code}\` | ${meaning} | ${advice} |`,
    );
    expect(rows.toSorted()).toEqual(expected.toSorted());
  });

  it('uses snake_case codes and statuses of refusals', () => {
    for (const [code, { status }] of Object.entries(ERROR_CATALOGUE)) {
      expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
    }
  });

  it('gives every refusal a code, a message and details', () => {
    expect(errorBody(apiError('outcome_unknown', undefined, { request_id: 'x' }))).toEqual({
      error: {
        code: 'outcome_unknown',
        message: expect.stringContaining('may have been executed') as string,
        details: { request_id: 'x' },
      },
    });
    expect(errorBody(apiError('rate_limited', 'slower')).error.message).toBe('slower');
  });
});
