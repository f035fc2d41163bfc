import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NEW_CLUSTER_MAC, NODE_DEFAULTS, TUNING_FIELDS } from './defaults.ts';
import { CLUSTER_NUMBERS, FIELDS, HTTP_FIELDS } from './validate.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| `'));
const cells = rows.map((row) => row.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')));
const namesOf = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

describe('docs/configuration.md', () => {
  test('has every field, and no other', () => {
    const documented = cells.flatMap(([name]) => namesOf(name));
    const inside = ['http', 'peer'];
    const fields = FIELDS.filter((name) => !inside.includes(name));
    const nested = [
      ...HTTP_FIELDS.map((name) => `http.${name}`),
      'peer.host',
      'peer.port',
      ...TUNING_FIELDS.map(({ name }) => name),
    ];
    expect(documented.toSorted()).toEqual([...fields, ...nested].toSorted());
  });

  test('has the defaults', () => {
    const told = new Map(
      cells.flatMap(([name, ...rest]) => namesOf(name).map((field, index) => [field, { index, rest }] as const)),
    );
    for (const { name, key, perUnit } of TUNING_FIELDS) {
      const { index, rest } = told.get(name) ?? { index: 0, rest: [] };
      expect([name, rest[0]?.split(', ')[index]]).toEqual([name, String(NODE_DEFAULTS.tuning[key] / perUnit)]);
    }
    for (const { name, key } of CLUSTER_NUMBERS)
      expect([name, told.get(name)?.rest[1]]).toEqual([name, String(NODE_DEFAULTS[key])]);
    expect(told.get('authentication')?.rest[1]).toBe(`\`"${NODE_DEFAULTS.authentication}"\``);
    expect(told.get('mac')?.rest[1]).toBe(`\`"${NODE_DEFAULTS.mac}"\``);
    expect(told.get('mac')?.rest[2]).toContain(`\`"${NEW_CLUSTER_MAC}"\``);
    expect(told.get('quorum_rule')?.rest[1]).toBe(`\`"${NODE_DEFAULTS.quorumRule}"\``);
    expect(told.get('durability')?.rest[1]).toBe(`\`"${NODE_DEFAULTS.durability}"\``);
    expect(told.get('scrub_hours')?.rest[1]).toBe(String(NODE_DEFAULTS.scrubHours));
    expect(told.get('state_cache_bytes')?.rest[1]).toBe(String(NODE_DEFAULTS.stateCacheBytes));
    expect(told.get('lab')?.rest[1]).toBe(`\`${NODE_DEFAULTS.lab}\``);
  });
});
