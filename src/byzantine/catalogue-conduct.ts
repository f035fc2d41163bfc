/** The behaviours that differ less in what they say than in when, how often and to whom; catalogue.ts has the others. */
import { UNCHANGED_GATEWAY } from './catalogue-entry.ts';
import type { BehaviourEntry } from './catalogue-entry.ts';
import { FALSE_COMMIT_LEFT_OUT } from './catalogue-view-change.ts';

export const CONDUCT: readonly BehaviourEntry[] = [
  {
    behaviour: 'silent',
    role: 'primary',
    changes: 'Nothing leaves it.',
    othersSee: 'No proposals: it is replaced when the timeout passes, and requests execute in the next view.',
    suspicions: [{ kind: 'unresponsive', certainty: 'uncertain', by: 'every node' }],
  },
  {
    behaviour: 'silent',
    role: 'backup',
    changes: 'Nothing leaves it.',
    othersSee: 'Its votes are missing. Requests execute.',
    suspicions: [{ kind: 'unresponsive', certainty: 'uncertain', by: 'every node' }],
  },
  {
    behaviour: 'silent',
    role: 'gateway',
    changes: `Its replica answers nobody, its own callers included. ${UNCHANGED_GATEWAY}`,
    othersSee: 'Callers get their answer from the others.',
    suspicions: [],
  },
  {
    behaviour: 'slow',
    role: 'primary',
    changes: 'Everything it sends leaves four fifths of the request timeout late, in order.',
    othersSee:
      'Each request takes nearly the timeout, which never passes. The backups measure how long it takes to order what it is given while it has nothing else to do, and replace it.',
    suspicions: [
      {
        kind: 'slow-primary',
        certainty: 'uncertain',
        by: 'every backup',
        when: 'sixteen requests were passed on to it and measured',
      },
      {
        kind: 'unresponsive',
        certainty: 'uncertain',
        by: 'every backup',
        when: 'its delay and that of its links together pass the timeout',
      },
    ],
  },
  {
    behaviour: 'slow',
    role: 'backup',
    changes: 'Everything it sends leaves four fifths of the request timeout late, in order.',
    othersSee: 'Its votes come when the others have decided without them. Requests execute.',
    suspicions: [
      {
        kind: 'unresponsive',
        certainty: 'uncertain',
        by: 'every node',
        when: 'its delay and that of its links together pass the timeout',
      },
    ],
  },
  {
    behaviour: 'slow',
    role: 'gateway',
    changes: `Its replica answers its own callers late as well. ${UNCHANGED_GATEWAY}`,
    othersSee: 'Callers get their answer from the others.',
    suspicions: [],
  },
  {
    behaviour: 'selective',
    role: 'primary',
    changes: 'The last of the other nodes is sent nothing, and what it says is not heard.',
    othersSee:
      'That node votes on nothing and executes what f+1 others tell it was decided. Requests execute while all other backups are well; else they replace it.',
    suspicions: [
      {
        kind: 'unresponsive',
        certainty: 'uncertain',
        by: 'the node that is ignored',
        when: 'it goes on for some seconds',
      },
    ],
  },
  {
    behaviour: 'selective',
    role: 'backup',
    changes: 'The last of the other nodes is sent nothing, and what it says is not heard.',
    othersSee: 'Its votes are missing at that node, and no others are. Requests execute.',
    suspicions: [
      {
        kind: 'unresponsive',
        certainty: 'uncertain',
        by: 'the node that is ignored',
        when: 'it goes on for some seconds',
      },
    ],
  },
  {
    behaviour: 'selective',
    role: 'gateway',
    changes: UNCHANGED_GATEWAY,
    othersSee: 'Nothing.',
    suspicions: [],
  },
  ...(['primary', 'backup'] as const).map((role): BehaviourEntry => ({
    behaviour: 'replay',
    role,
    changes:
      'Besides what it has to say, old messages again: its own, those of other nodes and the requests of clients (each of these eight times), 40 a second at most.',
    othersSee:
      'Signed ones are what they were and change nothing a second time; what others said under a MAC bears its own now and is refused. Requests execute, each once.',
    suspicions: [{ kind: 'bad-link', certainty: 'uncertain', by: 'every node', when: 'votes bear MACs' }],
  })),
  {
    behaviour: 'replay',
    role: 'gateway',
    changes: UNCHANGED_GATEWAY,
    othersSee: 'Nothing.',
    suspicions: [],
  },
  ...(['primary', 'backup'] as const).map((role): BehaviourEntry => ({
    behaviour: 'flood',
    role,
    changes:
      'Besides what it has to say, 200 messages a second to every other node: STATUS, FETCH, FETCH-STATE (also for much that is not there) and QUERY-STABLE, a RECOVER that it does not need, votes and claims for numbers far ahead, votes in others’ names, bodies and requests that are none.',
    othersSee: `Answers are bounded per node, numbers far ahead are refused or kept within bounds, the rest is refused at the door. ${
      role === 'primary' ? 'Requests execute while all backups are well; else they replace it.' : 'Requests execute.'
    }`,
    suspicions: [
      { kind: 'bad-link', certainty: 'uncertain', by: 'every node' },
      {
        kind: 'contradictory-votes',
        certainty: 'certain',
        by: 'every node that has both of its votes',
        when: 'the numbers that it voted for are reached',
      },
      {
        kind: 'false-vote',
        certainty: 'certain',
        by: 'every node at which the batch is prepared',
        when: 'the numbers that it voted for are reached',
      },
      {
        kind: 'wrong-checkpoint',
        certainty: 'certain',
        by: 'every node',
        when: 'the checkpoints that it invented are reached',
      },
      FALSE_COMMIT_LEFT_OUT,
    ],
  })),
  {
    behaviour: 'flood',
    role: 'gateway',
    changes: UNCHANGED_GATEWAY,
    othersSee: 'Nothing.',
    suspicions: [],
  },
  {
    behaviour: 'censor',
    role: 'primary',
    changes: 'The requests of one client, the one with the lowest id, are never proposed and never answered.',
    othersSee:
      'That client turns to all, and the backups wait in vain for its request: they replace the primary when the timeout passes without an execution, or when too many batches have overtaken that request. All others are served meanwhile.',
    suspicions: [
      {
        kind: 'unresponsive',
        certainty: 'uncertain',
        by: 'every backup',
        when: 'the censored client asks and nothing else is ordered for a timeout',
      },
      {
        kind: 'slow-primary',
        certainty: 'uncertain',
        by: 'every backup',
        when: 'the censored client asks and others are served',
      },
    ],
  },
  {
    behaviour: 'censor',
    role: 'backup',
    changes:
      'The requests of one client, the one with the lowest id, are not passed on to the primary and never answered.',
    othersSee: 'The client sends to all and takes the answers of the others. Requests execute.',
    suspicions: [],
  },
  {
    behaviour: 'censor',
    role: 'gateway',
    changes: UNCHANGED_GATEWAY,
    othersSee: 'Nothing.',
    suspicions: [],
  },
];
