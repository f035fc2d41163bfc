/** Told scenarios: replicas that lie, and how far they come. */
import { CLIENT_1, CLIENT_2, lines, put, sent, transfer } from './told-scenario.ts';
import type { ToldScenario } from './told-scenario.ts';

const certain = (
  kind: string,
  node: string,
): { readonly kind: 'suspicion'; readonly where: Record<string, string> } => ({
  kind: 'suspicion',
  where: { 'suspicion.kind': kind, 'suspicion.certainty': 'certain', 'suspicion.node_id': node },
});

const EQUIVOCATION: ToldScenario = {
  id: 'equivocating-primary',
  title: 'A primary with two stories',
  summary:
    'node1 proposes one batch to node2 and node3, and another one to node4. Comparing notes is enough to see it.',
  text: lines(
    'cluster nodes 4 clients 1',
    'behave node1 equivocate',
    transfer(1, 'alice', 1),
    'run until answered',
    'run 200ms',
  ),
  chapters: [
    {
      title: 'node1 begins to lie',
      words: 'It holds good keys and knows the protocol. All it says is authentic: no signature tells that it lies.',
      at: { kind: 'behaviour', where: { node: 'node1', behaviour: 'equivocate' } },
    },
    {
      title: 'One batch for two of them',
      words: 'node2 and node3 are given this batch for number 1.',
      at: sent('node1', 'pre-prepare', 'node2'),
    },
    {
      title: 'Another batch for node4',
      words: 'The same number, another digest.',
      at: sent('node1', 'pre-prepare', 'node4'),
    },
    {
      title: 'They compare notes',
      words:
        'PREPAREs go from each to all. node4 votes for another batch than the others: somebody lies, the primary or one of the voters. That is a suspicion, and an uncertain one.',
      at: { kind: 'suspicion', where: { 'suspicion.certainty': 'uncertain' } },
    },
    {
      title: 'Certain',
      words:
        'Two votes for another batch: f+1, so at least one of the two is correct and was told so by the primary. No correct primary can cause that. node4 names it.',
      at: certain('equivocation', 'node1'),
    },
    {
      title: 'The client does not notice',
      words:
        'The batch that three replicas voted for is executed. node1 has changed nothing but what is thought of it.',
      at: { kind: 'answered', where: { outcome: 'executed' } },
    },
    {
      title: 'node4 hears what was decided',
      words: 'f+1 others claim the same batch for number 1. One of them is correct, so it is true.',
      at: { kind: 'decided', where: { node: 'node4' } },
    },
  ],
  question: 'At the first vote for another batch node4 is uncertain, at the second one certain. What changed?',
  answer:
    'One vote can be the lie of one backup: f = 1. Two different backups cannot both lie, if at most one replica does. Certainty is a matter of counting, not of trust.',
  challenge: {
    words:
      'Get caught equivocating: make a replica lie so that a correct one is certain of it, by the name of equivocation.',
    hint: 'Only a primary can equivocate about proposals. It has to be lying before it proposes.',
    text: lines('cluster nodes 4 clients 1', 'run 1ms', transfer(1, 'alice', 1), 'run until answered', 'run 300ms'),
    goal: {
      tallies: [
        {
          pattern: { kind: 'suspicion', where: { 'suspicion.kind': 'equivocation', 'suspicion.certainty': 'certain' } },
          words: 'a replica is certain of an equivocation',
        },
        { pattern: { kind: 'answered', where: { outcome: 'executed' } }, words: 'the client is answered all the same' },
      ],
      intact: true,
      actions: ['behave'],
    },
    solution: [{ action: { do: 'behave', node: 'node1', behaviour: 'equivocate', variant: 0 } }],
  },
};

const SIGNATURES: ToldScenario = {
  id: 'own-signatures',
  title: 'Caught by its own signature',
  summary: 'Whoever signs two contradicting things has written the evidence against itself, and anybody can check it.',
  text: lines(
    'cluster nodes 4 interval 2 clients 1 signature',
    'behave node3 equivocate',
    'load 2 every 5ms',
    'run until answered',
    'run 100ms',
  ),
  chapters: [
    {
      title: 'A backup with two stories',
      words:
        'Here every vote is signed. node3 votes for one batch towards node1 and for another one towards node2 and node4.',
      at: { kind: 'behaviour', where: { node: 'node3' } },
    },
    {
      title: 'A vote that does not fit',
      words:
        'node2 was proposed another batch than node3 votes for. Did node3 lie, or was it told something else by the primary? Both are named, neither for certain.',
      at: {
        kind: 'suspicion',
        where: { node: 'node2', 'suspicion.node_id': 'node3', 'suspicion.certainty': 'uncertain' },
      },
    },
    {
      title: 'A false COMMIT',
      words:
        'A COMMIT says: I am prepared. node2 holds a prepared certificate for another batch, and two of them cannot exist. This is certain.',
      at: certain('false-vote', 'node3'),
    },
    {
      title: 'A wrong checkpoint',
      words:
        'node3 signs a root that differs from the one that a quorum has signed. Its signature is kept: evidence that convinces whoever holds the public keys, on another machine, years later.',
      at: certain('wrong-checkpoint', 'node3'),
    },
  ],
  question: 'Why does the protocol not simply exclude node3 now?',
  answer:
    'Membership would have to be agreed upon as well, and a lie must not be a means to throw correct replicas out. Here evidence goes to the operator: `pbft verify` checks it offline.',
  challenge: {
    words: 'Make node3, a backup, be caught for certain by at least two others, without any loss of answers.',
    hint: 'Several behaviours do it. Two requests make a checkpoint.',
    text: lines(
      'cluster nodes 4 interval 2 clients 1 signature',
      'load 2 every 20ms',
      'run until answered',
      'run 100ms',
    ),
    goal: {
      tallies: [
        {
          pattern: { kind: 'suspicion', where: { 'suspicion.node_id': 'node3', 'suspicion.certainty': 'certain' } },
          nodes: 2,
          words: 'two replicas are certain that node3 lies',
        },
        {
          pattern: { kind: 'answered', where: { outcome: 'executed' } },
          times: 2,
          words: 'both requests are answered',
        },
      ],
      intact: true,
    },
    solution: [{ action: { do: 'behave', node: 'node3', behaviour: 'corrupt', variant: 0 } }],
  },
};

const SLOW: ToldScenario = {
  id: 'slow-primary',
  title: 'The slow primary',
  summary:
    'It does all that is demanded, just before patience ends: four hundred times slower than it could. Aardvark described it in 2009.',
  text: lines('cluster nodes 4 clients 8', 'behave node1 slow', 'load 3 every 10ms', 'run until answered', 'run 50ms'),
  chapters: [
    {
      title: 'node1 slows down',
      words:
        'It says nothing wrong. Everything leaves it 400 ms late; the timeout is 500 ms. A protocol that only has that timeout would crawl for ever.',
      at: { kind: 'behaviour', where: { node: 'node1', behaviour: 'slow' } },
    },
    {
      title: 'The proposal comes at last',
      words: 'Just in time: no timer has fired.',
      at: { kind: 'message-received', where: { node: 'node2', from: 'node1', 'message.type': 'pre-prepare' } },
    },
    {
      title: 'The backups have measured',
      words:
        'They know how long a batch takes here: two message delays and a sync. A primary with nothing else to do that takes many times as long is slow.',
      at: { kind: 'suspicion', where: { 'suspicion.kind': 'slow-primary' } },
    },
    {
      title: 'They leave it',
      words: 'It may be the link, so nobody is certain of guilt. But another primary is worth trying.',
      at: { kind: 'view-change-started', where: { reason: 'slow-primary' } },
    },
    {
      title: 'At full speed',
      words: 'In view 1 the requests that waited are done within milliseconds.',
      at: { kind: 'executed', where: { node: 'node3', view: 1 } },
    },
  ],
  question: 'Why do the backups not just use a shorter timeout?',
  answer:
    'What is short on one network is hopeless on another. They measure the network and compare the primary with it, and become more patient each time, so that overload does not topple primary after primary.',
  challenge: {
    words:
      'The primary is honest here. Slow it down by hand, with delays alone, until a request timer fires and the view is changed.',
    hint: 'Its proposals have to reach nobody for half a second after the backups have learned of the request.',
    text: lines('cluster nodes 4 clients 1', 'run 1ms', transfer(1, 'alice', 1), 'run until answered', 'run 100ms'),
    goal: {
      tallies: [
        {
          pattern: { kind: 'view-entered', atLeast: { view: 1 } },
          nodes: 3,
          words: 'three replicas are in view 1 or above',
        },
        { pattern: { kind: 'answered', where: { outcome: 'executed' } }, words: 'the client is answered' },
      ],
      intact: true,
      actions: ['delay'],
    },
    solution: [
      {
        when: { kind: 'message-sent', where: { node: CLIENT_1, to: 'node1', 'message.type': 'requests' } },
        action: { do: 'delay', byUs: 5_000_000 },
      },
      {
        when: { kind: 'message-sent', where: { node: CLIENT_1, to: 'node1', 'message.type': 'requests' } },
        action: { do: 'delay', byUs: 5_000_000 },
      },
      ...['node2', 'node3', 'node4'].map((node) => ({
        when: sent(node, 'requests', 'node1'),
        action: { do: 'delay' as const, byUs: 5_000_000 },
      })),
    ],
  },
};

const CENSOR: ToldScenario = {
  id: 'censoring-primary',
  title: 'The censor',
  summary: 'The primary serves everybody but one client.',
  text: lines(
    'cluster nodes 4',
    'behave node1 censor',
    transfer(1, 'alice', 1),
    transfer(2, 'bob', 2),
    'run until answered',
    'run 50ms',
  ),
  chapters: [
    {
      title: 'client1 does not exist',
      words: 'node1 drops whatever client1 asks for, and works well for all others.',
      at: { kind: 'behaviour', where: { node: 'node1', behaviour: 'censor' } },
    },
    {
      title: 'client2 is served',
      words: 'From its point of view all is well.',
      at: { kind: 'answered', where: { node: CLIENT_2 } },
    },
    {
      title: 'client1 goes to everybody',
      words:
        'Each backup passes the request on to the primary and starts a timer of its own for exactly this request. Work for others does not stop it.',
      at: { kind: 'message-sent', where: { node: CLIENT_1, to: 'node3', 'message.type': 'requests' } },
    },
    {
      title: 'Time is up',
      words: 'The request was not executed: whatever the reason, this primary does not serve everybody.',
      at: { kind: 'request-timeout' },
    },
    {
      title: 'Served by the next one',
      words: 'node2 is primary of view 1, and client1 has its answer.',
      at: { kind: 'answered', where: { node: CLIENT_1 } },
    },
  ],
  question: 'A timer that is reset by any progress would not notice. Why?',
  answer:
    'The censor makes progress all the time, for everybody else. Fairness needs a timer per waiting request: the oldest one counts.',
  challenge: {
    words:
      'Be the censor yourself: with drops alone, keep the requests of client1 from node1 until the backups change the view.',
    hint: 'The client sends to node1 first, and to all later; the backups pass on what they hear.',
    text: lines(
      'cluster nodes 4',
      'run 1ms',
      transfer(1, 'alice', 1),
      transfer(2, 'bob', 2),
      'run until answered',
      'run 100ms',
    ),
    goal: {
      tallies: [
        {
          pattern: { kind: 'view-entered', atLeast: { view: 1 } },
          nodes: 3,
          words: 'three replicas are in view 1 or above',
        },
        { pattern: { kind: 'answered', where: { node: CLIENT_1 } }, words: 'client1 is answered' },
      ],
      intact: true,
      actions: ['drop'],
    },
    solution: [
      {
        when: { kind: 'message-sent', where: { node: CLIENT_1, to: 'node1', 'message.type': 'requests' } },
        action: { do: 'drop' },
      },
      {
        when: { kind: 'message-sent', where: { node: CLIENT_1, to: 'node1', 'message.type': 'requests' } },
        action: { do: 'drop' },
      },
      ...['node2', 'node3', 'node4'].map((node) => ({
        when: sent(node, 'requests', 'node1'),
        action: { do: 'drop' as const },
      })),
    ],
  },
};

const READS: ToldScenario = {
  id: 'read-only-attack',
  title: 'The attack on read-only requests',
  summary:
    'Reads are answered without ordering, so every answer takes a full quorum. A primary that leaves one out tries to make that impossible (SRDS 2021).',
  text: lines(
    'cluster nodes 4 reads',
    'behave node1 selective',
    'oneway node1 client1',
    put(1, '1'),
    'run until answered',
    'read client2 {"operation":"get","key":"x"}',
    'run until answered',
    'run 10ms',
  ),
  chapters: [
    {
      title: 'node1 leaves node4 out',
      words: 'It sends node4 nothing, and gives client1 no answer either. f replicas are isolated, and f are silent.',
      at: { kind: 'behaviour', where: { node: 'node1', behaviour: 'selective' } },
    },
    {
      title: 'Three of four execute',
      words:
        'The request is decided without node4. With two equal answers the client would be content, but where reads are not ordered that is not enough: a reader might ask the one that does not know yet.',
      at: { kind: 'executed', where: { node: 'node3' } },
    },
    {
      title: 'Two answers, and three are needed',
      words:
        'node2 and node3 answer. node1 could, and does not. node4 has nothing to say. In the original protocol this can last for ever, and nobody suspects the primary.',
      at: { kind: 'message-received', where: { node: CLIENT_1, from: 'node3', 'message.type': 'replies' } },
    },
    {
      title: 'node4 finds out by itself',
      words:
        'Replicas tell each other in STATUS how far they are. Whoever is ahead says what was decided, and f+1 such claims are proof enough.',
      at: { kind: 'decided', where: { node: 'node4' } },
    },
    {
      title: 'The write is answered',
      words: 'The third equal answer comes from node4. The attack has cost a tenth of a second.',
      at: { kind: 'answered', where: { node: CLIENT_1 } },
    },
    {
      title: 'And read',
      words:
        'client2 reads without ordering: one round trip, three equal answers, and they cannot be older than the write.',
      at: { kind: 'answered', where: { node: CLIENT_2, outcome: 'read' } },
    },
  ],
  question: 'Why does every write need a full quorum of answers as soon as reads are not ordered?',
  answer:
    'A read asks a quorum. It has to meet a correct replica that has executed every write that was answered before. Two answers to a write say that one correct replica has executed it; a quorum of readers might miss that one.',
  challenge: {
    words:
      'Isolate node4 by hand: drop proposals so that client1 has to wait for node4 to catch up, a tenth of a second at least.',
    hint: 'node1 is honest here, so take its answer to the client away as well.',
    text: lines('cluster nodes 4 reads', 'run 1ms', put(1, '1'), 'run until answered', 'run 200ms'),
    goal: {
      tallies: [
        { pattern: { kind: 'decided', where: { node: 'node4' } }, words: 'node4 learns from others what was decided' },
        {
          pattern: { kind: 'answered', where: { node: CLIENT_1 }, atLeast: { at_us: 100_000 } },
          words: 'client1 is answered, after 100 ms or more',
        },
      ],
      intact: true,
      actions: ['drop'],
    },
    solution: [
      { when: sent('node1', 'pre-prepare', 'node4'), action: { do: 'drop' } },
      { when: sent('node1', 'replies'), action: { do: 'drop' } },
      { when: sent('node1', 'pre-prepare', 'node4'), action: { do: 'drop' } },
    ],
  },
};

export const LIARS: readonly ToldScenario[] = [EQUIVOCATION, SIGNATURES, SLOW, CENSOR, READS];
