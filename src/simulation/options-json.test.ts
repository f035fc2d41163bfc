import { describe, expect, test } from 'vitest';
import { differingPaths, PLAIN_OPTIONS, plainer, readOptions, writeOptions } from './options-json.ts';
import { makeOptions } from './options.ts';
import type { SwarmOptions } from './options.ts';
import { simulateOptions } from './simulate.ts';

const must = (read: ReturnType<typeof readOptions>): SwarmOptions => {
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
};

describe('options are plain data', () => {
  test('what any seed draws is written and read again without loss', () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const options = makeOptions(seed, seed % 3 === 0 ? { replicaCount: 7 } : {});
      expect(must(readOptions(JSON.parse(writeOptions(options)))), `seed ${seed}`).toEqual(options);
      expect(must(readOptions(JSON.parse(JSON.stringify(options)))), `seed ${seed}, in full`).toEqual(options);
    }
  });

  test('the plain options are good, and nothing but the seed is written of them', () => {
    expect(writeOptions(PLAIN_OPTIONS)).toBe('{"seed":0}');
    expect(must(readOptions({}))).toEqual(PLAIN_OPTIONS);
    expect(simulateOptions(PLAIN_OPTIONS)).toMatchObject({ violation: undefined, answered: 1 });
  });

  test('what is left out is plain, at every depth', () => {
    const { tuning, network } = must(readOptions({ tuning: { pipeline: 3 }, network: { loss: 0.5 } }));
    expect(tuning).toEqual({ ...PLAIN_OPTIONS.tuning, pipeline: 3 });
    expect(network).toEqual({ ...PLAIN_OPTIONS.network, loss: 0.5 });
  });

  test('differences have paths, and can be taken back', () => {
    const options: SwarmOptions = {
      ...PLAIN_OPTIONS,
      seed: 9,
      thinkUs: 5,
      network: { ...PLAIN_OPTIONS.network, loss: 1 },
    };
    expect(differingPaths(options)).toEqual(['seed', 'network.loss', 'thinkUs']);
    expect(plainer(options, (path) => path === 'seed')).toEqual({ ...PLAIN_OPTIONS, seed: 9 });
    expect(plainer(options, (path) => path !== 'thinkUs')).toEqual({ ...options, thinkUs: 0 });
    const narrow = { ...PLAIN_OPTIONS, checkpointInterval: 2, tuning: { ...PLAIN_OPTIONS.tuning, pipeline: 4 } };
    expect(plainer(narrow, (path) => path !== 'tuning.pipeline')).toBeUndefined();
  });
});

const LIAR = { replica: 1, behaviour: 'lie', variant: 0 };
const CRASH = { kind: 'crash', replica: 1, downUs: 5 };
const TRAP = { kind: 'record', record: 'prepared', phase: 'synced', survivors: 0 };

describe('refused, with the path of what is wrong', () => {
  test.each<[string, unknown, string]>([
    ['no object', 17, ''],
    ['a list', [], ''],
    ['null', null, ''],
    ['an unknown field', { colour: 'red' }, 'colour'],
    ['an own __proto__', JSON.parse('{"__proto__":{"seed":1}}'), '__proto__'],
    ['a text for a number', { seed: '17' }, 'seed'],
    ['a fraction for an integer', { replicaCount: 4.5 }, 'replicaCount'],
    ['a number too large to be one', { seed: 2 ** 53 }, 'seed'],
    ['infinity', JSON.parse('{"thinkUs":1e999}'), 'thinkUs'],
    ['below the least', { clientCount: 0 }, 'clientCount'],
    ['above the most', { replicaCount: 32 }, 'replicaCount'],
    ['a number for a flag', { openClients: 1 }, 'openClients'],
    ['null for a number', { seed: null }, 'seed'],
    ['no such name', { authentication: 'none' }, 'authentication'],
    ['a share above 1', { idempotentShare: 1.5 }, 'idempotentShare'],
    ['an unknown field within', { tuning: { pipeline: 1, speed: 2 } }, 'tuning.speed'],
    ['a wrong type within', { network: { loss: 'much' } }, 'network.loss'],
    ['no object within', { disk: 5 }, 'disk'],
    ['an object for a list', { liars: {} }, 'liars'],
    ['a wrong element', { wallOffsetsMs: [0, 'late'] }, 'wallOffsetsMs[1]'],
    ['a liar without a variant', { liars: [{ replica: 1, behaviour: 'lie' }] }, 'liars[0].variant'],
    ['no such behaviour', { liars: [{ ...LIAR, behaviour: 'toString' }] }, 'liars[0].behaviour'],
    ['no such kind of fault', { faults: [CRASH, { kind: 'flood' }] }, 'faults[1].kind'],
    ['a fault without a kind', { faults: [{ replica: 1 }] }, 'faults[0].kind'],
    ['a fault that is none', { faults: ['crash'] }, 'faults[0]'],
    ['a field of another fault', { faults: [{ ...CRASH, loss: 1 }] }, 'faults[0].loss'],
    ['a trap without a kind', { faults: [{ ...CRASH, trap: { ...TRAP, kind: undefined } }] }, 'faults[0].trap.kind'],
    [
      'a node that is not there, on a side',
      {
        faults: [
          {
            kind: 'partition',
            groups: [
              [0, 1],
              [2, 3, 4],
            ],
            withClients: false,
            forUs: 1,
          },
        ],
      },
      'faults[0].groups',
    ],
    [
      'a node that is not there, at the end of a link',
      { faults: [{ kind: 'one-way', links: { kind: 'one', replica: 1, peer: 4 }, forUs: 1 }] },
      'faults[0].links.peer',
    ],
    [
      'a node that is not there, to pause',
      { faults: [{ kind: 'pause', replicas: [9], bufferBytes: 1, forUs: 1 }] },
      'faults[0].replicas',
    ],
    [
      'a message that no replica takes',
      { faults: [{ kind: 'drop-type', types: ['reply'], receivers: [1], forUs: 1 }] },
      'faults[0].types[0]',
    ],
    ['a wrong trap', { faults: [{ ...CRASH, trap: { ...TRAP, phase: 'later' } }] }, 'faults[0].trap.phase'],
    ['no such record', { faults: [{ ...CRASH, trap: { ...TRAP, record: 'valueOf' } }] }, 'faults[0].trap.record'],
    ['a fault of a node that is not there', { faults: [{ ...CRASH, replica: 4 }] }, 'faults[0].replica'],
    ['a liar that is not there', { liars: [{ ...LIAR, replica: 4 }] }, 'liars[0].replica'],
    ['more liars than may be', { liars: [LIAR, { ...LIAR, replica: 2 }] }, 'liars'],
    ['one node that lies twice', { replicaCount: 7, liars: [LIAR, LIAR] }, 'liars[1].replica'],
    ['a network that ends before it begins', { network: { minDelayUs: 300 } }, 'network.maxDelayUs'],
    ['a disk that ends before it begins', { disk: { minSyncUs: 300 } }, 'disk.maxSyncUs'],
    ['more sessions at once than a client may have', { sessionsAtOnce: 17 }, 'sessionsAtOnce'],
    ['a pipeline longer than the window', { checkpointInterval: 2 }, 'tuning.pipeline'],
  ])('%s', (_, value, path) => {
    const read = readOptions(value);
    expect(read.ok ? [] : read.error.map((problem) => problem.path)).toEqual([path]);
  });

  test('all that is wrong at once', () => {
    const read = readOptions({ seed: -1, colour: 1, faults: [{ kind: 'storm', loss: 2 }] });
    const paths = read.ok ? [] : read.error.map(({ path }) => path);
    expect(paths).toEqual(['colour', 'seed', 'faults[0].loss', 'faults[0].forUs']);
  });
});
