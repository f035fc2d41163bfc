import { describe, expect, test } from 'vitest';
import { score } from '../challenge.ts';
import type { Score } from '../challenge.ts';
import { LabSession } from '../lab-session.ts';
import { readLink, runSourceOf, writeLink } from '../link.ts';
import type { LabLink } from '../link.ts';
import { findInOrder } from '../pattern.ts';
import { playSolution } from '../solution.ts';
import { toldScenario, TOLD_SCENARIOS, toldText } from './library.ts';
import type { Challenge, ToldScenario } from './told-scenario.ts';

function playScript(session: LabSession): LabSession {
  while (!session.run.isScriptOver && session.advance());
  return session;
}

/** The run that a link leads to. */
function open(link: LabLink): LabSession {
  const read = readLink(writeLink(link));
  const source = read.ok ? runSourceOf(read.value.source, toldText) : undefined;
  if (!read.ok || source === undefined) throw new Error('the link leads to a run');
  return new LabSession({ source, interventions: read.value.interventions });
}

const linkTo = (id: string, isChallenge: boolean): LabLink => ({
  build: 'test',
  source: { kind: 'told', id, isChallenge },
  interventions: [],
  at: 0,
});

function scoreOf({ goal }: Challenge, session: LabSession): Score {
  return score(goal, {
    happenings: session.happenings,
    broken: session.run.broken.map(({ invariant }) => invariant),
    actions: session.interventions.map(({ action }) => action.do),
    isOver: session.run.isScriptOver,
  });
}

test('there are at least twelve, each with a name of its own and an end', () => {
  expect(TOLD_SCENARIOS.length).toBeGreaterThanOrEqual(12);
  expect(new Set(TOLD_SCENARIOS.map(({ id }) => id)).size).toBe(TOLD_SCENARIOS.length);
  for (const { id } of TOLD_SCENARIOS) expect(id).toMatch(/^[a-z0-9-]{1,40}$/);
  const isThin = ({ chapters, question, answer, challenge }: ToldScenario): boolean =>
    chapters.length < 4 || question.length < 20 || answer.length < 20 || challenge === undefined;
  expect(TOLD_SCENARIOS.filter(isThin).map(({ id }) => id)).toEqual([]);
});

describe.each(TOLD_SCENARIOS.map((scenario): [string, ToldScenario] => [scenario.id, scenario]))('%s', (id, told) => {
  test('plays to its end, and every chapter has its moment, in order', () => {
    const session = playScript(open(linkTo(id, false)));
    expect(session.run.end).toBeUndefined();
    expect(session.run.isScriptOver).toBe(true);
    const found = findInOrder(
      session.happenings,
      told.chapters.map(({ at }) => at),
    );
    const missing = told.chapters.filter((_, index) => found[index] === undefined).map(({ title }) => title);
    expect(missing).toEqual([]);
  });

  test('rewinds, and reproduces from its link', () => {
    const session = playScript(open(linkTo(id, false)));
    const { step, traceHash } = session.run;
    const all = session.happenings;
    session.seek(Math.floor(step / 2));
    expect(session.run.traceHash).not.toBe(traceHash);
    session.seek(step);
    expect(session.run.traceHash).toBe(traceHash);
    expect(session.happenings).toEqual(all);
  });

  test('its challenge is not won by doing nothing, and can be won', () => {
    const { challenge } = told;
    if (challenge === undefined) throw new Error('every scenario has a challenge');
    expect(scoreOf(challenge, playScript(open(linkTo(id, true)))).isWon).toBe(false);
    const session = open(linkTo(id, true));
    expect(playSolution(session, challenge.solution)).toBe(true);
    const won = scoreOf(challenge, session);
    expect(won.parts.filter(({ isMet }) => !isMet)).toEqual([]);
    expect(won.isWon).toBe(true);
    // The link of the winning run leads to the winning run.
    const shared = open({ ...linkTo(id, true), interventions: session.interventions });
    shared.seek(session.run.step);
    expect(shared.run.traceHash).toBe(session.run.traceHash);
    expect(scoreOf(challenge, shared).isWon).toBe(true);
  });
});

test('with a quorum of one three nodes fork, with the right one they cannot', () => {
  const fork = playScript(open(linkTo('quorum-one-fork', false)));
  expect(fork.run.broken[0]).toMatchObject({ invariant: 'agreement' });
  expect(fork.run.broken[0]?.step).toBeGreaterThan(0);
  expect(playScript(open(linkTo('sound-quorum', false))).run.broken).toEqual([]);
});

test('the fork of three nodes may be brought about by a liar as well', () => {
  const challenge = toldScenario('quorum-one-fork')?.challenge;
  if (challenge === undefined) throw new Error('it has a challenge');
  const session = open(linkTo('quorum-one-fork', true));
  session.interfere({ do: 'behave', node: 'node1', behaviour: 'equivocate', variant: 0 });
  expect(scoreOf(challenge, playScript(session)).isWon).toBe(true);
});

describe('a challenge is not won by what its words do not ask for', () => {
  const challengeOf = (id: string): Challenge => {
    const challenge = toldScenario(id)?.challenge;
    if (challenge === undefined) throw new Error('it has a challenge');
    return challenge;
  };

  const unmetBy = (challenge: Challenge, session: LabSession): readonly string[] =>
    scoreOf(challenge, session).parts.flatMap(({ words, isMet }) => (isMet ? [] : [words]));

  test('nobody is answered: not before the end of the scenario is that known', () => {
    const challenge = challengeOf('silent-backup');
    const session = open(linkTo('silent-backup', true));
    session.interfere({ do: 'behave', node: 'node3', behaviour: 'silent', variant: 0 });
    session.interfere({ do: 'behave', node: 'node4', behaviour: 'silent', variant: 0 });
    session.seekEvent({ kind: 'request-timeout', where: { node: 'node2' } }, 10_000);
    session.seekEvent({ kind: 'view-change-started' }, 10_000);
    expect(unmetBy(challenge, session)).toEqual(['never, to the end: a client is answered']);
    expect(unmetBy(challenge, playScript(session))).toEqual([]);
  });

  test('dropping CHECKPOINTs alone: one other message is too many', () => {
    const challenge = challengeOf('water-marks');
    const session = open(linkTo('water-marks', true));
    const [first, ...others] = challenge.solution;
    if (first === undefined) throw new Error('it has a solution');
    const commit = { kind: 'message-sent', where: { to: 'node4', 'message.type': 'commit' } } as const;
    playSolution(session, [{ when: commit, action: { do: 'drop' } }, first, ...others]);
    expect(unmetBy(challenge, session)).toEqual(['nothing is dropped but CHECKPOINTs']);
  });
});
