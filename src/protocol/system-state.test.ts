import { describe, expect, test } from 'vitest';
import { CoreKit } from '../../test/support/core-kit.ts';
import { configurationBytes } from './system-state.ts';

describe('the configuration in the state', () => {
  const { cluster } = new CoreKit();
  const namesOf = (change: object): readonly string[] => {
    const text = Buffer.from(configurationBytes({ ...cluster, ...change })).toString('utf8');
    return (JSON.parse(text) as [string, unknown][]).map(([name]) => name);
  };

  test('of clusters that were made before there were these choices is what it was', () => {
    const names = namesOf({ mac: 'hmac-sha256', readOnlyRequests: false });
    expect(names).not.toContain('mac');
    expect(names).not.toContain('readOnlyRequests');
  });

  test('tells apart what was chosen', () => {
    expect(namesOf({ mac: 'blake2b-256' })).toContain('mac');
    expect(namesOf({ readOnlyRequests: true })).toContain('readOnlyRequests');
  });
});
