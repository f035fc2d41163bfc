/** Told scenarios: how agreement goes when it goes well, and what crashes and cuts do to it. */
import { CLIENT_1, lines, put, sent, transfer } from './told-scenario.ts';
import type { ToldScenario } from './told-scenario.ts';

const NORMAL: ToldScenario = {
  id: 'normal-case',
  title: 'The normal case',
  summary: 'One request, three phases, four replicas: five message delays from question to answer.',
  text: lines('cluster nodes 4 clients 1', transfer(1, 'alice', 100), 'run until answered', 'run 5ms'),
  chapters: [
    {
      title: 'A client asks',
      words:
        'The client sends its REQUEST to node1, the primary of view 0. It trusts no single replica: it will believe an answer that f+1 of them give alike, here two.',
      at: { kind: 'message-sent', where: { node: CLIENT_1, 'message.type': 'requests' } },
    },
    {
      title: 'PRE-PREPARE: the primary proposes an order',
      words:
        'node1 gives the batch the sequence number 1 and tells the three backups. That is only a proposal: a lying primary could propose something else to each of them.',
      at: sent('node1', 'pre-prepare'),
    },
    {
      title: 'PREPARE: the backups compare',
      words:
        'Each backup tells all others which batch it was given. Nobody can be talked into two batches for one number without being noticed.',
      at: { kind: 'message-sent', where: { 'message.type': 'prepare' } },
    },
    {
      title: 'Prepared',
      words:
        'The proposal and q−1 = 2 matching PREPAREs are a prepared certificate: in this view no other batch can be prepared for number 1, because two quorums of three share a correct replica.',
      at: { kind: 'prepared' },
    },
    {
      title: 'COMMIT: making it survive',
      words:
        'Each replica tells all others that it is prepared. It may not execute yet: if it were the only one to know, the next view could decide otherwise.',
      at: { kind: 'message-sent', where: { 'message.type': 'commit' } },
    },
    {
      title: 'Executed',
      words:
        'With three COMMITs the order is decided for ever, whatever views follow. The replica executes and answers.',
      at: { kind: 'executed' },
    },
    {
      title: 'Two equal answers are enough',
      words:
        'One of two replicas at most can be a liar, so what both say is true. The third and the fourth answer come too late to matter.',
      at: { kind: 'answered', where: { outcome: 'executed' } },
    },
  ],
  question: 'Why are two phases not enough? What would go wrong if a replica executed as soon as it is prepared?',
  answer:
    'A prepared certificate binds its view only. A replica that alone is prepared may be cut off; the others change the view, and the new primary may know nothing of that certificate and order another batch under the number. A quorum of COMMITs means that q−f correct replicas at least are prepared, even if f of the senders lie, and every quorum of VIEW-CHANGEs holds one of these: every new view hears of it.',
  challenge: {
    words:
      'Drop messages, and nothing else, so that node4 never sees the proposal in its own time: it has to hear from two others what was decided.',
    hint: 'What node4 needs comes from node1. It asks again every tenth of a second, so be quick the second time too.',
    text: lines('cluster nodes 4 clients 1', transfer(1, 'alice', 100), 'run until answered', 'run 300ms'),
    goal: {
      tallies: [
        {
          pattern: { kind: 'decided', where: { node: 'node4', sequence: 1 } },
          words: 'node4 takes number 1 as decided, from the claims of others',
        },
        { pattern: { kind: 'executed', where: { node: 'node4', sequence: 1 } }, words: 'node4 executes number 1' },
      ],
      intact: true,
      actions: ['drop'],
    },
    solution: [
      { when: sent('node1', 'pre-prepare', 'node4'), action: { do: 'drop' } },
      { when: sent('node1', 'pre-prepare', 'node4'), action: { do: 'drop' } },
    ],
  },
};

const SILENT: ToldScenario = {
  id: 'silent-backup',
  title: 'A silent backup',
  summary: 'One of four says nothing. Nobody waits for it.',
  text: lines(
    'cluster nodes 4 clients 1',
    'behave node4 silent',
    transfer(1, 'alice', 5),
    'run until answered',
    'run 50ms',
  ),
  chapters: [
    {
      title: 'node4 falls silent',
      words:
        'It hears everything and says nothing. From outside that looks like a crash, or like a cut link: nobody can tell.',
      at: { kind: 'behaviour', where: { node: 'node4' } },
    },
    {
      title: 'The proposal goes to all, node4 too',
      words: 'The primary cannot know that one of the three will not answer.',
      at: sent('node1', 'pre-prepare', 'node4'),
    },
    {
      title: 'Prepared without it',
      words:
        'Two PREPAREs and the proposal are three votes of four: a quorum. Quorums are chosen so that f replicas can be missing.',
      at: { kind: 'prepared', where: { node: 'node2' } },
    },
    {
      title: 'Answered, as fast as ever',
      words: 'The request took five message delays: silence of one costs nothing at all.',
      at: { kind: 'answered', where: { outcome: 'executed' } },
    },
  ],
  question: 'How many of seven replicas may be silent?',
  answer:
    'Two: f = ⌊(7−1)/3⌋ = 2, and five of seven are a quorum. With a third one silent nothing is decided any more, and nothing wrong either.',
  challenge: {
    words: 'Stop the cluster: nobody may get an answer, and no invariant may break.',
    hint: 'f are not enough. How many are?',
    text: lines('cluster nodes 4 clients 1', 'run 1ms', transfer(1, 'alice', 5), 'run 3s'),
    goal: {
      tallies: [{ pattern: { kind: 'request-timeout' }, nodes: 2, words: 'two replicas lose patience' }],
      never: [{ pattern: { kind: 'answered' }, words: 'a client is answered' }],
      intact: true,
    },
    solution: [
      { action: { do: 'behave', node: 'node3', behaviour: 'silent', variant: 0 } },
      { action: { do: 'behave', node: 'node4', behaviour: 'silent', variant: 0 } },
    ],
  },
};

const DEAD_PRIMARY: ToldScenario = {
  id: 'dead-primary',
  title: 'The primary dies',
  summary: 'Its backups notice, leave its view, and go on under another primary with all that was decided.',
  text: lines(
    'cluster nodes 4 clients 1',
    transfer(1, 'alice', 1),
    'run until answered',
    'crash node1',
    transfer(1, 'alice', 2),
    'run until answered',
    'run 20ms',
  ),
  chapters: [
    {
      title: 'node1 loses its power',
      words: 'It was the primary. The first request is executed everywhere; the next one will find nobody to order it.',
      at: { kind: 'crashed', where: { node: 'node1' } },
    },
    {
      title: 'The client tells everybody',
      words:
        'Without an answer it sends the request to all replicas. Now the backups know of it, and each starts a timer.',
      at: { kind: 'message-sent', where: { node: CLIENT_1, to: 'node2', 'message.type': 'requests' } },
    },
    {
      title: 'Patience ends',
      words:
        'Half a second since they heard of the request, and it is not executed: the primary is held responsible. That it is dead nobody knows, only that it does not do its work.',
      at: { kind: 'request-timeout' },
    },
    {
      title: 'VIEW-CHANGE',
      words:
        'Each backup stops voting in view 0 and tells what it has prepared (P) and what it has seen proposed (Q), above its stable checkpoint, which it proves (h), and the later ones it has taken (C). That is all the next primary needs.',
      at: sent('node3', 'view-change'),
    },
    {
      title: 'NEW-VIEW',
      words:
        'node2 is next by its number; nobody was elected. It shows the three VIEW-CHANGEs and what follows from them. The others compute the same and check it.',
      at: { kind: 'new-view-made', where: { node: 'node2', view: 1 } },
    },
    {
      title: 'Work goes on',
      words:
        'What was decided in view 0 stays decided: number 1 is kept, and the request that waited gets the next number.',
      at: { kind: 'executed', where: { view: 1, node: 'node3' } },
    },
    {
      title: 'Answered',
      words:
        'Three of four are up. The client got what it asked for, three quarters of a second late: a quarter until it asked everybody, and half a second of their patience.',
      at: { kind: 'answered', where: { outcome: 'executed' } },
    },
  ],
  question: 'Nobody voted for node2. Why does PBFT take the next one by number, and hold no election?',
  answer:
    'A vote can be bought with lies: who would count it? With primary = view mod n everybody knows who is next, a liar cannot push itself forward, and after at most f bad ones in a row a correct one has its turn.',
  challenge: {
    words:
      'Make them change the view twice: three replicas are to enter view 2 or a higher one, and the request is still to be answered.',
    hint: 'Two primaries have to fail, one after the other, and three replicas have to be up at the end.',
    text: lines('cluster nodes 4 clients 1', transfer(1, 'alice', 1), 'run until answered', 'run 5s'),
    goal: {
      tallies: [
        {
          pattern: { kind: 'view-entered', atLeast: { view: 2 } },
          nodes: 3,
          words: 'three replicas are in view 2 or above',
        },
        {
          pattern: { kind: 'answered', where: { outcome: 'executed' } },
          after: { kind: 'view-entered', atLeast: { view: 2 } },
          words: 'after that the request is answered',
        },
      ],
      intact: true,
    },
    solution: [
      { action: { do: 'crash', node: 'node1' } },
      {
        when: { kind: 'view-change-started', where: { node: 'node3', view: 1 } },
        action: { do: 'crash', node: 'node2' },
      },
      { action: { do: 'restart', node: 'node1' } },
    ],
  },
};

const PARTITION: ToldScenario = {
  id: 'partition',
  title: 'Partition and healing',
  summary: 'Two and two: neither side has a quorum, so neither goes on alone. When the cut heals, both do together.',
  text: lines(
    'cluster nodes 4',
    'partition node1 node2 client1 | node3 node4 client2',
    transfer(1, 'alice', 1),
    'run 1s',
    'heal',
    'run until answered',
    'run 50ms',
  ),
  chapters: [
    {
      title: 'A proposal reaches one half',
      words: 'node1 and node2 are on one side. Messages to the other side are lost on the way.',
      at: { kind: 'message-lost', where: { node: 'node1', to: 'node3', 'message.type': 'pre-prepare' } },
    },
    {
      title: 'Two votes are no quorum',
      words: 'Both halves could be the living one, so neither may decide. The replicas that wait lose patience.',
      at: { kind: 'request-timeout', where: { node: 'node1' } },
    },
    {
      title: 'They leave the view, and wait',
      words: 'A view change needs a quorum as well. This side asks for view 1 and cannot enter it.',
      at: { kind: 'view-change-started', where: { node: 'node2', view: 1 } },
    },
    {
      title: 'The cut heals',
      words: 'The other side hears of f+1 replicas that left the view, one of them correct, and joins.',
      at: { kind: 'view-change-started', where: { node: 'node3', reason: 'joined' } },
    },
    {
      title: 'One view again',
      words: 'With a quorum of VIEW-CHANGEs node2 begins view 1.',
      at: { kind: 'view-entered', where: { node: 'node4', view: 1 } },
    },
    {
      title: 'Answered',
      words:
        'Nothing was decided twice. The client waited as long as the cut lasted: safety first, and progress as soon as the network allows it.',
      at: { kind: 'answered', where: { outcome: 'executed' } },
    },
  ],
  question: 'Four nodes fall into three and one. What happens on each side?',
  answer:
    'Three are a quorum: they go on, with a view change first if the primary is the one alone. The one alone decides nothing, and catches up when the cut heals.',
  challenge: {
    words:
      'The cluster is cut in two halves. Mend as few links as you can until the client is answered: at most four directions.',
    hint: 'A quorum is three. Which links does a third replica need, in both directions?',
    text: lines(
      'cluster nodes 4',
      'partition node1 node2 client1 | node3 node4 client2',
      transfer(1, 'alice', 1),
      'run 3s',
    ),
    goal: {
      tallies: [{ pattern: { kind: 'answered', where: { outcome: 'executed' } }, words: 'the client is answered' }],
      intact: true,
      mostActions: 4,
      actions: ['mend'],
    },
    solution: [
      { action: { do: 'mend', from: 'node1', to: 'node3' } },
      { action: { do: 'mend', from: 'node3', to: 'node1' } },
      { action: { do: 'mend', from: 'node2', to: 'node3' } },
      { action: { do: 'mend', from: 'node3', to: 'node2' } },
    ],
  },
};

const WATER_MARKS: ToldScenario = {
  id: 'water-marks',
  title: 'A race of water marks',
  summary: 'A replica that does not hear of stable checkpoints runs into its own high water mark.',
  text: lines(
    'cluster nodes 4 interval 2 clients 1',
    'drop checkpoint to node4 times 6',
    'load 7 every 6ms',
    'run until answered',
    'run 300ms',
  ),
  chapters: [
    {
      title: 'A checkpoint every two numbers',
      words:
        'Here K = 2, so the window between the water marks holds four numbers. Each replica signs its state after every second batch.',
      at: { kind: 'checkpoint-taken', where: { sequence: 2 } },
    },
    {
      title: 'node4 does not hear the others',
      words:
        'All CHECKPOINTs to node4 are lost. The others collect a quorum of signatures, forget what is below, and move their window up. node4 cannot.',
      at: { kind: 'checkpoint-stable', where: { node: 'node2', sequence: 2 } },
    },
    {
      title: 'Above the window',
      words:
        'Number 5 is proposed. For node4 it lies above the high water mark: it keeps the message and may not vote.',
      at: { kind: 'buffered', where: { node: 'node4', what: 'above-window' } },
    },
    {
      title: 'The others go on',
      words:
        'Three are a quorum. Without the high water mark a liar could fill the memory of node4 with numbers from the far future.',
      at: { kind: 'executed', where: { node: 'node2', sequence: 6 } },
    },
    {
      title: 'Caught up by state',
      words:
        'The others have thrown away what node4 lacks. It fetches the state of a certified checkpoint instead, piece by piece, and checks it against the root that a quorum signed.',
      at: { kind: 'transferred', where: { node: 'node4' } },
    },
  ],
  question: 'Why is the window two checkpoint intervals wide, and not one?',
  answer:
    'While a checkpoint is on its way to being stable, work goes on above it. With a window of one interval everybody would stop at every checkpoint and wait.',
  challenge: {
    words: 'Push node4 out of its window, by dropping CHECKPOINTs alone. Everybody else has to go on.',
    hint: 'node4 needs two CHECKPOINTs of others besides its own for each stable one. It is enough to take all of number 2 and of number 4.',
    text: lines('cluster nodes 4 interval 2 clients 1', 'load 7 every 6ms', 'run until answered', 'run 100ms'),
    goal: {
      tallies: [
        {
          pattern: { kind: 'buffered', where: { node: 'node4', what: 'above-window' } },
          words: 'node4 meets a number above its window',
        },
        { pattern: { kind: 'executed', where: { node: 'node2', sequence: 7 } }, words: 'node2 executes number 7' },
      ],
      intact: true,
      actions: ['drop'],
      drops: 'checkpoint',
    },
    solution: [2, 2, 2, 4, 4, 4].map((sequence) => ({
      when: {
        kind: 'message-sent',
        where: { to: 'node4', 'message.type': 'checkpoint', 'message.sequence': sequence },
      },
      action: { do: 'drop' },
    })),
  },
};

const CATCH_UP: ToldScenario = {
  id: 'catch-up',
  title: 'Back after a long absence',
  summary: 'The log that a returning replica would need is gone. It takes over a certified state.',
  text: lines(
    'cluster nodes 4 interval 2 clients 1',
    'crash node4',
    'load 9 every 5ms',
    'run until answered',
    'start node4',
    'run 500ms',
  ),
  chapters: [
    {
      title: 'node4 is down',
      words: 'The others go on without it: three of four are a quorum.',
      at: { kind: 'crashed', where: { node: 'node4' } },
    },
    {
      title: 'The log is thrown away',
      words:
        'As checkpoints become stable, everything below them is forgotten. Memory stays bounded, and node4 will not find there what it missed.',
      at: { kind: 'checkpoint-stable', where: { node: 'node1', sequence: 8 } },
    },
    {
      title: 'node4 starts',
      words: 'It says in a STATUS how far it is: at genesis.',
      at: { kind: 'started', where: { node: 'node4' } },
    },
    {
      title: 'It asks for the state',
      words:
        'Signed CHECKPOINTs of a quorum prove a root. It asks for the parts of the Merkle tree that differ from its own.',
      at: { kind: 'transfer-started', where: { node: 'node4' } },
    },
    {
      title: 'It has it',
      words:
        'Every part was checked against the root that a quorum signed: a liar among the sources can only waste time.',
      at: { kind: 'transferred', where: { node: 'node4' } },
    },
  ],
  question: 'Why does node4 need no trust in the replica that sends it the state?',
  answer:
    'The root is signed by a quorum, and each part hashes up to it. A wrong part is noticed at once, and its sender is known for it.',
  challenge: {
    words: 'Bring node4 so far behind that it has to fetch a state.',
    hint: 'It has to miss more than four numbers.',
    text: lines('cluster nodes 4 interval 2 clients 1', 'load 12 every 5ms', 'run until answered', 'run 1s'),
    goal: {
      tallies: [{ pattern: { kind: 'transferred', where: { node: 'node4' } }, words: 'node4 takes over a state' }],
      intact: true,
    },
    solution: [
      { when: { kind: 'executed', where: { node: 'node2', sequence: 1 } }, action: { do: 'crash', node: 'node4' } },
      {
        when: { kind: 'checkpoint-stable', where: { node: 'node2', sequence: 8 } },
        action: { do: 'restart', node: 'node4' },
      },
    ],
  },
};

const LOST_DISK: ToldScenario = {
  id: 'lost-disk',
  title: 'A lost disk',
  summary: 'A replica that has forgotten what it said must not speak before it knows that it cannot contradict itself.',
  text: lines('cluster nodes 4', put(1, 'a'), 'run until answered', 'lose-disk node4', 'start node4', 'run 1s'),
  chapters: [
    {
      title: 'The disk is gone',
      words:
        'Power and disk: all votes that node4 ever gave are forgotten. Started as if nothing had happened, it could vote again, and otherwise: an honest replica would have become a liar.',
      at: { kind: 'disk-lost', where: { node: 'node4' } },
    },
    {
      title: 'It asks what it may have said',
      words:
        'It votes for nothing. The others tell it which checkpoint they took last, and how far they are prepared. From a quorum of answers follows a mark M: one window above such a checkpoint, and so above everything it can have voted on.',
      at: { kind: 'recovery-started', where: { node: 'node4' } },
    },
    {
      title: 'The mark M',
      words: 'Above M it voted on nothing, even if f−1 of the others lie. At or below M it will never vote again.',
      at: { kind: 'recovery-estimated', where: { node: 'node4' } },
    },
    {
      title: 'RECOVER is ordered',
      words:
        'Its RECOVER goes through agreement like a request. Null batches follow until a checkpoint above M is stable.',
      at: { kind: 'recovery-ordered' },
    },
    {
      title: 'It is one of them again',
      words: 'With the state of that checkpoint, and in a view above all that it may have left before, it votes again.',
      at: { kind: 'recovered', where: { node: 'node4' } },
    },
  ],
  question: 'Why does a lost disk count as one of the f faulty replicas, though nobody lies?',
  answer:
    'Until it has recovered it may contradict itself if it spoke, and it does not vote: for the others it is as good as faulty. Two lost disks at once are more than f = 1.',
  challenge: {
    words: 'Take the disk of node3, and bring it back to voting.',
    hint: 'Two actions. Then let time pass.',
    text: lines('cluster nodes 4', put(1, 'a'), 'run until answered', 'run 3s'),
    goal: {
      tallies: [
        { pattern: { kind: 'disk-lost', where: { node: 'node3' } }, words: 'node3 loses its disk' },
        { pattern: { kind: 'recovered', where: { node: 'node3' } }, words: 'node3 has recovered' },
      ],
      intact: true,
    },
    solution: [
      { when: { kind: 'answered' }, action: { do: 'lose-disk', node: 'node3' } },
      { when: { kind: 'disk-lost' }, action: { do: 'restart', node: 'node3' } },
    ],
  },
};

export const BASICS: readonly ToldScenario[] = [
  NORMAL,
  SILENT,
  DEAD_PRIMARY,
  PARTITION,
  WATER_MARKS,
  CATCH_UP,
  LOST_DISK,
];
