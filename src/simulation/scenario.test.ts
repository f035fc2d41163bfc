import { describe, expect, test } from 'vitest';
import { replayScenario, runScenario, ScenarioError } from './scenario.ts';

function errorOf(text: string): ScenarioError {
  try {
    replayScenario(text);
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
  throw new Error('it is a scenario');
}

describe('what is no scenario is refused, with the line', () => {
  test.each([
    ['> clusters', 'no such command'],
    ['> run 5ms', 'begins with "> cluster"'],
    ['> cluster nodes 0', '"0"'],
    ['> cluster nodes 32', '"32"'],
    ['> cluster nodes', '""'],
    ['> cluster interval many', '"many"'],
    ['> cluster clients 10', '"10"'],
    ['> cluster nodse 4', '"nodse"'],
    ['> verdict', 'before it'],
    ['> swarm', 'no JSON object'],
    ['> swarm {"seed":', 'no JSON object'],
    ['> swarm [1', 'no JSON object'],
    ['> swarm []', 'all of it: []; allowed: an object'],
    ['> swarm {"seed":-1}', 'seed: -1; allowed: an integer from 0'],
    ['> swarm {"faults":[{"kind":"rain"}]}', 'faults[0].kind: "rain"'],
  ])('%s', (command, said) => {
    const error = errorOf(`# a comment\n\n${command}\nprinted\n`);
    expect(error.message).toContain(said);
    expect(error.line).toBe(3);
  });

  test.each([
    ['> request node1 {}', '"node1": no such client'],
    ['> request client3 {}', '"3"'],
    ['> request client1', 'no JSON object'],
    ['> request client1 {"operation"', 'no JSON object'],
    ['> run soon', 'no duration'],
    ['> run until', '"until "'],
    ['> run until executed many', '"many"'],
    ['> drop commit times often', '"often"'],
    ['> drop commit from node9', '"node9"'],
    ['> cut node9 all', '"node9"'],
    ['> cut node1 client7', '"client7": no such client'],
    ['> partition node1 node2 | node2 node3', '"node2" is on two sides'],
    ['> partition node1 | node8', '"node8"'],
    ['> oneway node1 node9', '"node9"'],
    ['> clog client1 nobody', '"nobody"'],
    ['> pause client1', '"client1": no such node'],
    ['> drift node1 fast', '"fast"'],
    ['> drift node1 300%', '"300%"'],
    ['> crash node1 after 0 commit', '"after 0 commit"'],
    ['> crash node1 after 1 whisper', '"after 1 whisper"'],
    ['> behave node1 well', '"well"'],
    ['> behave node1 lie often', '"often"'],
    ['> crash node5', '"node5"'],
    ['> crash node1 at lunch', '"lunch'],
    ['> start node1', 'runs already'],
  ])('in a cluster: %s', (command, said) => {
    const error = errorOf(`> cluster\n${command}`);
    expect(error.message).toContain(said);
    expect(error.line).toBe(2);
  });

  test('a text without any command', () => {
    expect(errorOf('once upon a time\n')).toMatchObject({ line: undefined });
  });

  test('a node that is down does not crash', () => {
    expect(errorOf('> cluster\n> crash node1\n> crash node1').line).toBe(3);
  });
});

describe('a swarm in a scenario', () => {
  const swarm = '> swarm {"seed":4,"requestsPerClient":3,"faults":[{"kind":"crash","replica":1,"downUs":1000}]}';

  test('is run by its verdict, which replaces what the file said', () => {
    const run = replayScenario(`# why\n${swarm}\n> verdict\nagreement: two batches at 3\n`);
    const text = `# why\n${swarm}\n> verdict\nno violation\n`;
    expect(run).toEqual({ text, violation: undefined, isSwarm: true });
    expect(runScenario(run.text)).toBe(run.text);
  });

  test('is traced, and its trace changes nothing', () => {
    const lines: string[] = [];
    const { text } = replayScenario(`${swarm}\n> verdict\n`, { onTrace: (line) => lines.push(line) });
    expect(lines.some((line) => line.includes('fault: {"kind":"crash"'))).toBe(true);
    expect(text).toContain('no violation');
  });
});

test('of a told scenario whose invariants break, what was printed before is kept', () => {
  // One liar is more than three nodes bear.
  const commands =
    '> cluster nodes 3\n> behave node1 equivocate\n> request client2 {"operation":"transfer","amount":1}';
  const { text, violation, isSwarm } = replayScenario(`${commands}\n> status\n> run 2s\n> status\n`);
  expect(text).toContain('> status\n  node1: view 0, h 0, executed 0');
  expect(text).toMatch(/> run 2s\none prepared digest: node\d prepared .*\n$/);
  expect(violation).toMatchObject({ invariant: 'one prepared digest' });
  expect(isSwarm).toBe(false);
  expect(() => runScenario(commands + '\n> run 2s')).toThrow(/prepared/);
});
