/**
 * The behaviours as data: for `GET /pbft/behaviours`, the documentation and the tests. Here those that say what is not so; catalogue-conduct.ts
 * has those that differ in when they speak, how often and to whom.
 */
import { BEHAVIOUR_NAMES } from './behaviour.ts';
import { CONDUCT } from './catalogue-conduct.ts';
import { UNCHANGED_GATEWAY } from './catalogue-entry.ts';
import type { BehaviourEntry } from './catalogue-entry.ts';
import {
  CORRUPT_VIEW_CHANGE,
  EQUIVOCATE_VIEW_CHANGE,
  FALSE_COMMIT_LEFT_OUT,
  LIE_VIEW_CHANGE,
} from './catalogue-view-change.ts';

const FALSE_STATEMENTS: readonly BehaviourEntry[] = [
  {
    behaviour: 'corrupt',
    role: 'primary',
    changes: `The PRE-PREPARE for one backup holds an altered request; COMMITs and DECIDED carry another digest, CHECKPOINTs another root. ${CORRUPT_VIEW_CHANGE.changes}`,
    othersSee: `That backup cannot authenticate the request, complains and does not vote. The others prepare, but the COMMIT of the primary contradicts what is prepared. Where one vote is lacking it is replaced after a timeout, and requests execute in the next view. ${CORRUPT_VIEW_CHANGE.othersSee}`,
    suspicions: [
      {
        kind: 'false-vote',
        certainty: 'certain',
        by: 'every node at which the batch is prepared, and at its votes as a backup afterwards',
      },
      { kind: 'unresponsive', certainty: 'uncertain', by: 'the backups that wait for the request' },
      { kind: 'bad-link', certainty: 'uncertain', by: 'the backup that got the altered request' },
      {
        kind: 'digest-mismatch',
        certainty: 'uncertain',
        by: 'the other backups at its PREPARE in the next view (they name the new primary too)',
      },
      { kind: 'wrong-checkpoint', certainty: 'certain', by: 'every node, once the checkpoint is stable' },
      {
        kind: 'equivocation',
        certainty: 'certain',
        by: 'that backup',
        when: 'PRE-PREPAREs are signed, so that it can be shown the true one, or the altered batch has no requests (a checkpoint of an idle cluster), so that it can be accepted',
      },
      ...CORRUPT_VIEW_CHANGE.suspicions,
    ],
  },
  {
    behaviour: 'corrupt',
    role: 'backup',
    changes: `PREPARE, COMMIT and DECIDED carry another digest, CHECKPOINTs another root; bodies, states and requests it passes on have other content. ${CORRUPT_VIEW_CHANGE.changes}`,
    othersSee: `Votes for a digest that nobody proposed; they count for nothing. Altered bodies do not hash to their digest, altered requests do not authenticate. ${CORRUPT_VIEW_CHANGE.othersSee} Requests execute.`,
    suspicions: [
      { kind: 'false-vote', certainty: 'certain', by: 'the primary at its PREPARE, every node at its COMMIT' },
      {
        kind: 'digest-mismatch',
        certainty: 'uncertain',
        by: 'the other backups at its PREPARE (they name the primary too)',
      },
      { kind: 'wrong-checkpoint', certainty: 'certain', by: 'every node, once the checkpoint is stable' },
      { kind: 'bad-link', certainty: 'uncertain', by: 'that node', when: 'a node fetches a body from it' },
      {
        kind: 'wrong-state',
        certainty: 'certain',
        by: 'that node',
        when: 'a node behind the window fetches the state from it',
      },
      ...CORRUPT_VIEW_CHANGE.suspicions,
    ],
  },
  {
    behaviour: 'corrupt',
    role: 'gateway',
    changes: 'Requests that it passes on to the primary are altered on the way; those it issues itself are not.',
    othersSee: `The primary cannot authenticate them; clients send to all after half a timeout. ${UNCHANGED_GATEWAY}`,
    suspicions: [],
  },
  {
    behaviour: 'equivocate',
    role: 'primary',
    changes: `Two valid batches for one sequence number (the second 1 ms later, or in another order): f backups get the second one (other variants: half of them), with COMMITs to match, and another root in CHECKPOINTs. ${EQUIVOCATE_VIEW_CHANGE.changes}`,
    othersSee: `The deceived see f+1 votes for another digest than theirs, leave the view, and execute what f+1 nodes tell them was decided. The others go on while all of them are well; where nobody has a quorum all leave the view, and requests execute in the next one. ${EQUIVOCATE_VIEW_CHANGE.othersSee}`,
    suspicions: [
      { kind: 'equivocation', certainty: 'certain', by: 'the deceived backups, at f+1 votes for the other digest' },
      {
        kind: 'digest-mismatch',
        certainty: 'uncertain',
        by: 'backups at the first vote for the other digest (they name its sender too)',
      },
      {
        kind: 'wrong-checkpoint',
        certainty: 'certain',
        by: 'the deceived backups',
        when: 'a checkpoint becomes stable',
      },
      {
        kind: 'contradictory-votes',
        certainty: 'certain',
        by: 'the deceived backups',
        when: 'others pass on the root that they were told',
      },
      {
        kind: 'unresponsive',
        certainty: 'uncertain',
        by: 'the backups that wait for the request',
        when: 'nobody has a quorum',
      },
      {
        kind: 'false-vote',
        certainty: 'certain',
        by: 'the nodes to which it tells the other story as a backup',
        when: 'it was replaced',
      },
      ...EQUIVOCATE_VIEW_CHANGE.suspicions,
    ],
  },
  {
    behaviour: 'equivocate',
    role: 'backup',
    changes: `PREPARE, COMMIT and CHECKPOINT for half of the nodes carry another digest or root. ${EQUIVOCATE_VIEW_CHANGE.changes}`,
    othersSee: `That half counts no vote of it. ${EQUIVOCATE_VIEW_CHANGE.othersSee} Requests execute.`,
    suspicions: [
      {
        kind: 'false-vote',
        certainty: 'certain',
        by: 'the nodes of that half at its COMMIT, the primary among them at its PREPARE',
      },
      { kind: 'digest-mismatch', certainty: 'uncertain', by: 'the backups of that half at its PREPARE' },
      { kind: 'wrong-checkpoint', certainty: 'certain', by: 'the nodes of that half, once the checkpoint is stable' },
      {
        kind: 'contradictory-votes',
        certainty: 'certain',
        by: 'the nodes of that half',
        when: 'votes are signed or CHECKPOINTs passed on, so that they see what others were told',
      },
      ...EQUIVOCATE_VIEW_CHANGE.suspicions,
    ],
  },
  {
    behaviour: 'equivocate',
    role: 'gateway',
    changes: UNCHANGED_GATEWAY,
    othersSee: 'Nothing.',
    suspicions: [],
  },
  {
    behaviour: 'lie',
    role: 'primary',
    changes: `COMMIT and DECIDED for sequence numbers it has not proposed yet, a complaint about every batch, and a STATUS that claims a higher view and more than it did. ${LIE_VIEW_CHANGE.changes}`,
    othersSee: `One claim moves nobody: a decision takes f+1. Its true COMMIT later contradicts the invented one and counts for nothing. Requests execute while all backups are well; else it is replaced after a timeout. ${LIE_VIEW_CHANGE.othersSee}`,
    suspicions: [
      { kind: 'false-vote', certainty: 'certain', by: 'every node at which the batch is prepared' },
      { kind: 'contradictory-votes', certainty: 'certain', by: 'every node that has both of its votes' },
      ...LIE_VIEW_CHANGE.suspicions,
    ],
  },
  {
    behaviour: 'lie',
    role: 'backup',
    changes: `PREPARE, COMMIT and DECIDED for sequence numbers that nobody has proposed yet, a complaint about every batch, and a STATUS that claims a higher view and more than it did. ${LIE_VIEW_CHANGE.changes}`,
    othersSee: `One claim moves nobody: a decision takes f+1, a mark on a client too. Its true votes later contradict the invented ones. ${LIE_VIEW_CHANGE.othersSee} Requests execute.`,
    suspicions: [
      { kind: 'contradictory-votes', certainty: 'certain', by: 'every node that has both of its votes' },
      { kind: 'false-vote', certainty: 'certain', by: 'the primary at its PREPARE, every node at its COMMIT' },
      {
        kind: 'digest-mismatch',
        certainty: 'uncertain',
        by: 'the other backups at its PREPARE (they name the primary too)',
      },
      ...LIE_VIEW_CHANGE.suspicions,
    ],
  },
  {
    behaviour: 'lie',
    role: 'gateway',
    changes: UNCHANGED_GATEWAY,
    othersSee: 'Nothing.',
    suspicions: [],
  },
  {
    behaviour: 'alter-timestamps',
    role: 'primary',
    changes: 'The time in every batch is an hour ahead of its clock, with the digest that belongs to it.',
    othersSee:
      'Backups hold the batch back until their clocks get there, and replace it when the timeout passes: requests execute in the next view. As a backup there it votes for the batch with another time. (Within the bound of 10 s nobody can tell.)',
    suspicions: [
      { kind: 'clock-skew', certainty: 'uncertain', by: 'every backup' },
      { kind: 'unresponsive', certainty: 'uncertain', by: 'every backup' },
      {
        kind: 'false-vote',
        certainty: 'certain',
        by: 'the next primary at its PREPARE, every node at its COMMIT in the next view',
      },
      {
        kind: 'digest-mismatch',
        certainty: 'uncertain',
        by: 'the other backups at its PREPARE in the next view (they name the new primary too)',
      },
      FALSE_COMMIT_LEFT_OUT,
    ],
  },
  {
    behaviour: 'alter-timestamps',
    role: 'backup',
    changes:
      'It cannot alter the time of a batch: the primary sets it. It votes for the digest of the batch with another time, and alters the time in bodies it hands out.',
    othersSee: 'Votes for a digest that nobody proposed, and bodies that do not hash to theirs. Requests execute.',
    suspicions: [
      { kind: 'false-vote', certainty: 'certain', by: 'the primary at its PREPARE, every node at its COMMIT' },
      {
        kind: 'digest-mismatch',
        certainty: 'uncertain',
        by: 'the other backups at its PREPARE (they name the primary too)',
      },
      { kind: 'bad-link', certainty: 'uncertain', by: 'that node', when: 'a node fetches a body from it' },
      FALSE_COMMIT_LEFT_OUT,
    ],
  },
  {
    behaviour: 'alter-timestamps',
    role: 'gateway',
    changes: UNCHANGED_GATEWAY,
    othersSee: 'Nothing.',
    suspicions: [],
  },
  {
    behaviour: 'forge',
    role: 'primary',
    changes: 'A bad MAC or signature on everything it sends.',
    othersSee:
      'Nothing of it is believed: it is replaced when the timeout passes, and requests execute in the next view.',
    suspicions: [
      { kind: 'bad-link', certainty: 'uncertain', by: 'every node' },
      { kind: 'unresponsive', certainty: 'uncertain', by: 'every backup' },
    ],
  },
  {
    behaviour: 'forge',
    role: 'backup',
    changes: 'A bad MAC or signature on everything it sends; its PREPAREs claim to be of the next replica.',
    othersSee: 'Nothing of it is believed, and the claimed author is not blamed. Requests execute.',
    suspicions: [{ kind: 'bad-link', certainty: 'uncertain', by: 'every node' }],
  },
  {
    behaviour: 'forge',
    role: 'gateway',
    changes: `Its replica's answers to clients carry bad MACs. ${UNCHANGED_GATEWAY}`,
    othersSee: 'Clients drop its answers and take those of the others.',
    suspicions: [],
  },
  {
    behaviour: 'wrong-reply',
    role: 'primary',
    changes: 'Clients are told another result than the executed one, and another answer to reads than its state gives.',
    othersSee:
      'The client accepts what f+1 others say, or a quorum where read-only requests are on, and tells its node who disagreed. Reads are answered by a quorum of the others, without a word about it. Requests execute.',
    suspicions: [{ kind: 'wrong-reply', certainty: 'certain', by: 'the node whose gateway asked' }],
  },
  {
    behaviour: 'wrong-reply',
    role: 'backup',
    changes: 'Clients are told another result than the executed one, and another answer to reads than its state gives.',
    othersSee:
      'The client accepts what f+1 others say, or a quorum where read-only requests are on, and tells its node who disagreed. Reads are answered by a quorum of the others, without a word about it. Requests execute.',
    suspicions: [{ kind: 'wrong-reply', certainty: 'certain', by: 'the node whose gateway asked' }],
  },
  {
    behaviour: 'wrong-reply',
    role: 'gateway',
    changes: `Its own replica's answer to it is wrong as well. ${UNCHANGED_GATEWAY}`,
    othersSee: 'Its caller gets the result that f+1 others confirm.',
    suspicions: [],
  },
  ...(['primary', 'backup'] as const).map((role): BehaviourEntry => ({
    behaviour: 'wrong-state',
    role,
    changes:
      'CHECKPOINTs carry another root, properly signed, its VIEW-CHANGE names a stable checkpoint that there never was, and the state that it hands out has an altered entry. (Other variants sign truly: only such a node is asked for state.)',
    othersSee:
      'Checkpoints become stable by the others. A VIEW-CHANGE whose checkpoint is not proven is refused. A node that fetches the state finds that the subtree has not the hash that it asked for, does not take it, and asks the others. Requests execute.',
    suspicions: [
      { kind: 'wrong-checkpoint', certainty: 'certain', by: 'every node, once the checkpoint is stable' },
      {
        kind: 'wrong-state',
        certainty: 'certain',
        by: 'that node',
        when: 'a node behind the window fetches the state of a checkpoint that it signed truly',
      },
    ],
  })),
  {
    behaviour: 'wrong-state',
    role: 'gateway',
    changes: UNCHANGED_GATEWAY,
    othersSee: 'Nothing.',
    suspicions: [],
  },
];

/** Every behaviour in every role, in the order of {@link BEHAVIOUR_NAMES}. */
export const BEHAVIOUR_CATALOGUE: readonly BehaviourEntry[] = BEHAVIOUR_NAMES.flatMap((name) =>
  [...FALSE_STATEMENTS, ...CONDUCT].filter(({ behaviour }) => behaviour === name),
);
