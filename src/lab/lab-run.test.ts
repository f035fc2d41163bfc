import { describe, expect, test } from 'vitest';
import { makeOptions } from '../simulation/options.ts';
import { PLAIN_OPTIONS } from '../simulation/options-json.ts';
import { replayScenario } from '../simulation/scenario.ts';
import { simulateOptions, simulateSeed } from '../simulation/simulate.ts';
import type { Happening } from './lab-event.ts';
import { LabRun } from './lab-run.ts';
import type { RunSource } from './lab-run.ts';

const scenario = (...commands: readonly string[]): RunSource => ({
  kind: 'scenario',
  text: commands.map((command) => `> ${command}\n`).join(''),
});
const TRANSFER = 'request client1 {"operation":"transfer","to":"alice","amount":1}';

/** To the end of its commands, or its own. */
function playScript(run: LabRun): void {
  while (!run.isScriptOver && run.advance());
}

describe('a run of the lab is the run of the simulator', () => {
  // Seeds with their faults and liars, and with fewer clients and requests: what is the same for these is the same for more of them.
  test.each([68, 86])('of seed %i: every line and the hash, one step at a time, though somebody listens', (seed) => {
    const options = { ...makeOptions(seed), clientCount: 2, requestsPerClient: 8 };
    const expected: string[] = [];
    const report = simulateOptions(options, { onTrace: (line) => expected.push(line) });
    const lines: string[] = [];
    const happenings: Happening[] = [];
    const run = new LabRun(
      { source: { kind: 'swarm', options }, interventions: [] },
      { onTrace: (line) => lines.push(line), onHappening: (happening) => happenings.push(happening) },
    );
    run.runTo(Infinity);
    expect(run.end).toEqual({ kind: 'done' });
    expect(run.traceHash).toBe(report.traceHash);
    expect(lines.join('\n') === expected.join('\n')).toBe(true);
    expect(happenings.length).toBeGreaterThan(run.step);
    expect(happenings.every(({ step }, index) => step >= (happenings[index - 1]?.step ?? 0))).toBe(true);
  });

  test('of a seed as it is drawn', () => {
    const options = makeOptions(69, { replicaCount: 1 });
    const run = new LabRun({ source: { kind: 'swarm', options }, interventions: [] });
    run.runTo(Infinity);
    expect(run.traceHash).toBe(simulateSeed(69, { overrides: { replicaCount: 1 } }).traceHash);
  });

  test('of options whose network loses everything until it heals', () => {
    const options = { ...PLAIN_OPTIONS, seed: 3, network: { ...PLAIN_OPTIONS.network, loss: 1 } };
    const run = new LabRun({ source: { kind: 'swarm', options }, interventions: [] });
    run.runTo(Infinity);
    expect(run.traceHash).toBe(simulateOptions(options).traceHash);
  });

  test('of a scenario', () => {
    const lines: string[] = [];
    const source = scenario('cluster nodes 4', 'behave node2 corrupt', TRANSFER, 'run until answered');
    if (source.kind !== 'scenario') throw new Error('a scenario');
    replayScenario(source.text, { onTrace: (line) => lines.push(line) });
    const own: string[] = [];
    playScript(new LabRun({ source, interventions: [] }, { onTrace: (line) => own.push(line) }));
    expect(own).toEqual(lines);
  });
});

describe('messages', () => {
  test('are sent by one and received by the other, under one id', () => {
    const happenings: Happening[] = [];
    const run = new LabRun(
      { source: scenario('cluster nodes 4', TRANSFER, 'run until answered'), interventions: [] },
      { onHappening: (happening) => happenings.push(happening) },
    );
    playScript(run);
    const events = happenings.map(({ event }) => event);
    const sent = events.flatMap((event) =>
      event.kind === 'message-sent' && event.message.type === 'commit'
        ? [`${event.node}>${event.to} ${event.message.id}`]
        : [],
    );
    const received = events.flatMap((event) =>
      event.kind === 'message-received' && event.message.type === 'commit'
        ? [`${event.from}>${event.node} ${event.message.id}`]
        : [],
    );
    expect(sent).toHaveLength(12);
    expect(received.every((one) => sent.includes(one))).toBe(true);
  });

  test('that are lost are told so, with the reason', () => {
    const happenings: Happening[] = [];
    const run = new LabRun(
      {
        source: scenario('cluster nodes 4', 'cut node1 node2', 'crash node3', TRANSFER, 'run 20ms'),
        interventions: [],
      },
      { onHappening: (happening) => happenings.push(happening) },
    );
    playScript(run);
    const lost = happenings.flatMap(({ event }) =>
      event.kind === 'message-lost' && event.message.type === 'pre-prepare' ? [`${event.to} ${event.why}`] : [],
    );
    expect(lost).toEqual(['node2 link', 'node3 down']);
  });
});

describe('the end of a run', () => {
  test.each([
    ['no cluster', ['run 10ms'], /begins with "> cluster"/],
    ['two clusters', ['cluster nodes 4', 'run 1ms', 'cluster nodes 4'], /one "> cluster"/],
    ['only a word', ['cluster nodes 4', 'walk'], /no such command/],
    ['starting what runs', ['cluster nodes 4', 'start node1'], /runs already/],
    ['a client that is not there', ['cluster nodes 4', 'request client7 {}'], /client/],
    ['a rule of quorums that is none', ['cluster nodes 3 rule majority'], /intersecting or 2f\+1/],
    ['a loss that is none', ['cluster nodes 3 loss much'], /no share/],
    ['reads without reads', ['cluster nodes 4', 'read client1 {"operation":"get","key":"x"}'], /"reads"/],
    ['a load without a time', ['cluster nodes 4', 'load 3'], /every/],
    ['somebody on two sides', ['cluster nodes 4', 'twins node1 | node3 | node3'], /twice/],
    ['twins of twins', ['cluster nodes 4', 'twins node1 | node3 | node4', 'twins node1 | node3 | node4'], /already/],
  ])('%s', (_what, commands, message) => {
    const run = new LabRun({ source: scenario(...commands), interventions: [] });
    playScript(run);
    expect(run.end).toMatchObject({ kind: 'script' });
    expect(run.end?.kind === 'script' ? run.end.message : '').toMatch(message);
    expect(run.advance()).toBe(false);
  });

  test('nothing happens any more when all are down', () => {
    const source = scenario('cluster nodes 2 clients 1', 'crash node1', 'crash node2', 'run 1ms');
    const run = new LabRun({ source, interventions: [] });
    run.runTo(100_000);
    expect(run.end).toEqual({ kind: 'silent' });
  });

  test('after its last command the world goes on', () => {
    const run = new LabRun({ source: scenario('cluster nodes 4', 'run 1ms'), interventions: [] });
    playScript(run);
    const { step, timeUs } = run;
    run.runTo(step + 50);
    expect(run.step).toBe(step + 50);
    expect(run.timeUs).toBeGreaterThan(timeUs);
  });
});
