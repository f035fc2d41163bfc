/** Told scenarios: what happens beyond the limits, with the wrong quorum or with more than f liars. */
import { CLIENT_1, CLIENT_2, lines, put } from './told-scenario.ts';
import type { Move, ToldScenario } from './told-scenario.ts';

const SPLIT = 'partition node1 client1 | node2 node3 client2';

const cutOff = (left: string, right: string): readonly Move[] => [
  { action: { do: 'cut', from: left, to: right } },
  { action: { do: 'cut', from: right, to: left } },
];

const FORK: ToldScenario = {
  id: 'quorum-one-fork',
  title: 'Three nodes, quorum one',
  summary: 'The formula 2f+1 gives 1 for three nodes. A slow network is enough to fork them: no liar is needed.',
  text: lines('cluster nodes 3 rule 2f+1', SPLIT, put(1, 'one'), put(2, 'two'), 'run 2s'),
  chapters: [
    {
      title: 'f = 0, quorum = 1',
      words:
        'Three nodes tolerate no liar, f = ⌊(3−1)/3⌋ = 0, and 2f+1 = 1. The network is cut between node1 and the two others; each client reaches one side.',
      at: { kind: 'message-sent', where: { node: CLIENT_1, 'message.type': 'requests' } },
    },
    {
      title: 'node1 decides alone',
      words: 'Its own vote is a quorum of one. It executes x = one and answers; client1 is content.',
      at: { kind: 'executed', where: { node: 'node1', sequence: 1 } },
    },
    {
      title: 'node2 decides alone as well',
      words:
        'Nothing comes from node1. One VIEW-CHANGE, its own, is a quorum too: it becomes primary of view 1 and knows nothing of number 1.',
      at: { kind: 'view-entered', where: { node: 'node2', view: 1 } },
    },
    {
      title: 'The fork',
      words:
        'node2 executes x = two at number 1. Two correct replicas have executed different batches at one number, and the checker names the step. Nobody lied.',
      at: { kind: 'invariant-broken', where: { invariant: 'agreement' } },
    },
    {
      title: 'Two clients, two truths',
      words: 'Both clients were told that their write is done at number 1.',
      at: { kind: 'answered', where: { node: CLIENT_2 } },
    },
  ],
  question: 'For which n is 2f+1 a sound quorum?',
  answer:
    'For n = 3f+1 only: 4, 7, 10 … For all other n two quorums of 2f+1 need not share a correct replica. ⌈(n+f+1)/2⌉ is right for every n, and it is what `pbft` uses.',
  challenge: {
    words: 'Fork three nodes yourself. They run with the quorum of one, and nothing is cut yet.',
    hint: 'Keep node1 from the two others, and client2 from node1, before the requests are on their way.',
    text: lines('cluster nodes 3 rule 2f+1', 'run 1ms', put(1, 'one'), put(2, 'two'), 'run 2s'),
    goal: { tallies: [], breaks: 'agreement' },
    solution: [...cutOff('node1', 'node2'), ...cutOff('node1', 'node3'), ...cutOff('node1', 'client2')],
  },
};

const SOUND: ToldScenario = {
  id: 'sound-quorum',
  title: 'Three nodes, the right quorum',
  summary: 'The same cut, the same requests, a quorum of two: nothing forks, and when the cut heals both are served.',
  text: lines(
    'cluster nodes 3',
    SPLIT,
    put(1, 'one'),
    put(2, 'two'),
    'run 2s',
    'heal',
    'run until answered',
    'run 50ms',
  ),
  chapters: [
    {
      title: 'node1 proposes',
      words: 'q = ⌈(3+0+1)/2⌉ = 2. node1 proposes to the others, and nobody hears it: its own vote is not enough.',
      at: { kind: 'pre-prepared', where: { node: 'node1' } },
    },
    {
      title: 'It waits',
      words: 'client1 gets no answer. That is the price, and it is the right one.',
      at: { kind: 'request-timeout', where: { node: 'node1' } },
    },
    {
      title: 'The two others go on',
      words: 'node2 and node3 are a quorum. They enter view 1 and serve client2.',
      at: { kind: 'answered', where: { node: CLIENT_2 } },
    },
    {
      title: 'The cut heals',
      words: 'node1 is shown the NEW-VIEW, follows, and executes what the others have decided at number 1.',
      at: { kind: 'executed', where: { node: 'node1', sequence: 1 } },
    },
    {
      title: 'client1 is served, as second',
      words: 'One order for all: x = two, then x = one.',
      at: { kind: 'answered', where: { node: CLIENT_1 } },
    },
  ],
  question:
    'Cut, delay and crash as you like: as long as nobody lies and nobody loses its disk, the checkers stay green with this quorum. Why?',
  answer:
    'Any two quorums of two out of three share a replica, and with f = 0 every replica is correct. Whatever one quorum has decided, every other one knows. A liar among three is one more than they bear: it can tell each side another story.',
  challenge: {
    words:
      'node1 is cut off from the others for good. Let client1 be answered all the same: mend links of client1, not of node1.',
    hint: 'client1 has to reach the other side, and to hear it.',
    text: lines('cluster nodes 3', SPLIT, put(1, 'one'), put(2, 'two'), 'run 4s'),
    goal: {
      tallies: [{ pattern: { kind: 'answered' }, nodes: 2, words: 'both clients are answered' }],
      never: [
        {
          pattern: { kind: 'view-entered', where: { node: 'node1' }, atLeast: { view: 1 } },
          words: 'node1 follows the others into view 1',
        },
      ],
      intact: true,
      actions: ['mend'],
    },
    solution: ['node2', 'node3'].flatMap((node): readonly Move[] => [
      { action: { do: 'mend', from: 'client1', to: node } },
      { action: { do: 'mend', from: node, to: 'client1' } },
    ]),
  },
};

const TWINS_TEXT = [
  'cluster nodes 4',
  'twins node1 node2 | node3 client1 | node4 client2',
  'cut node3 node4',
  put(1, 'one'),
  put(2, 'two'),
] as const;

const TOO_MANY: ToldScenario = {
  id: 'too-many-liars',
  title: 'One liar too many',
  summary: 'Four replicas bear one liar. Here two lie together: each runs twice, once for each side.',
  text: lines(...TWINS_TEXT, 'run 500ms'),
  chapters: [
    {
      title: 'Twins',
      words:
        'node1 and node2 are two instances each, with one identity and one key. One pair talks to node3 and client1, the other one to node4 and client2. node3 and node4, the correct ones, do not hear each other.',
      at: { kind: 'message-sent', where: { node: CLIENT_1, 'message.type': 'requests' } },
    },
    {
      title: 'One number, two proposals',
      words: 'The two node1 propose a batch each, both for number 1.',
      at: { kind: 'pre-prepared', where: { node: 'node3' } },
    },
    {
      title: 'Prepared here',
      words: 'node3 sees three votes: node1, node2 and its own. That is a quorum.',
      at: { kind: 'prepared', where: { node: 'node3' } },
    },
    {
      title: 'And there',
      words:
        'node4 sees three votes as well, for the other batch. The two quorums share node1 and node2, and both lie: the argument that protects f liars is gone.',
      at: { kind: 'invariant-broken', where: { invariant: 'one prepared digest' } },
    },
    {
      title: 'Two truths',
      words: 'node3 and node4 execute different batches. Each of them did all that the protocol demands.',
      at: { kind: 'executed', where: { node: 'node4' } },
    },
  ],
  question: 'How many replicas would it take to bear two liars?',
  answer: 'Seven: n ≥ 3f+1. Two quorums of five share at least three replicas, and at most two of them lie.',
  challenge: {
    words:
      'The twins are about to fork the two correct replicas. Save agreement with one single action, and let a second pass.',
    hint: 'With one liar gone, the other one has no quorum for either story.',
    text: lines('cluster nodes 4', TWINS_TEXT[1], TWINS_TEXT[2], 'run 1ms', put(1, 'one'), put(2, 'two'), 'run 1200ms'),
    goal: {
      tallies: [{ pattern: { kind: 'message-sent', atLeast: { at_us: 1_000_000 } }, words: 'a second has passed' }],
      intact: true,
      mostActions: 1,
    },
    solution: [{ action: { do: 'crash', node: 'node2' } }],
  },
};

export const LIMITS_OF_IT: readonly ToldScenario[] = [FORK, SOUND, TOO_MANY];
