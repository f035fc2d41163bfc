/** What the behaviours that say what is not so do in a view change, and who says what of it: parts of their rows in catalogue.ts. */
import type { ExpectedSuspicion } from './catalogue-entry.ts';

interface ViewChangePart {
  readonly changes: string;
  readonly othersSee: string;
  readonly suspicions: readonly ExpectedSuspicion[];
}

const ITS_NEW_VIEW = 'it is the primary of a new view';

export const CORRUPT_VIEW_CHANGE: ViewChangePart = {
  changes:
    'Its VIEW-CHANGE lists altered digests as prepared and pre-prepared (other variants: views that it cannot have been in), and its NEW-VIEW starts with altered digests or from another root.',
  othersSee:
    'What one VIEW-CHANGE alone claims is not chosen. A NEW-VIEW that does not follow from its VIEW-CHANGEs is refused, and the next view begins.',
  suspicions: [
    {
      kind: 'contradictory-view-changes',
      certainty: 'certain',
      by: 'every node that has its COMMIT',
      when: 'there is a view change and it was still correct when it committed',
    },
    {
      kind: 'invalid-view-change',
      certainty: 'certain',
      by: 'every node',
      when: 'there is a view change and its variant is an odd one',
    },
    { kind: 'wrong-new-view', certainty: 'certain', by: 'every node', when: ITS_NEW_VIEW },
  ],
};

export const EQUIVOCATE_VIEW_CHANGE: ViewChangePart = {
  changes:
    'Half of the nodes get a second VIEW-CHANGE that lists nothing (other variants: all get both), and some a second NEW-VIEW that starts with null batches.',
  othersSee:
    'A NEW-VIEW holds the VIEW-CHANGEs that it is to follow from, so that all check the same ones. Where null does not follow it is refused, and its receivers move to the next view.',
  suspicions: [
    {
      kind: 'contradictory-view-changes',
      certainty: 'certain',
      by: 'every node that has its COMMIT and a VIEW-CHANGE that leaves it out, or both VIEW-CHANGEs',
      when: 'there is a view change',
    },
    {
      kind: 'wrong-new-view',
      certainty: 'certain',
      by: 'the nodes that were sent the second NEW-VIEW, and those that got both',
      when: ITS_NEW_VIEW,
    },
  ],
};

export const LIE_VIEW_CHANGE: ViewChangePart = {
  changes:
    'Its VIEW-CHANGE claims that digests which nobody proposed were prepared in the latest view, and batches beyond those there were (other variants shout a view 1000 ahead as well; or pose as a node that left its view alone, and answer one that did with a NEW-VIEW that follows from nothing). One that lost its log is told that nothing was taken or prepared (other variants: far more than there was).',
  othersSee:
    'What fewer than f+1 claim is not chosen, at most null batches fill the numbers it invented; f that shout high views move nobody. Who poses as a stray is joined after 20 T, and then waits twice as long for the next time. The mark of one that lost its log takes q answers, and lies between what correct nodes say.',
  suspicions: [
    {
      kind: 'contradictory-view-changes',
      certainty: 'certain',
      by: 'every node that has its COMMIT in the view before',
      when: 'there is a view change',
    },
    {
      kind: 'wrong-new-view',
      certainty: 'certain',
      by: 'a node that left its view alone for one in which the liar is the primary',
      when: 'it is one of the other variants',
    },
  ],
};

/** Its VIEW-CHANGE is true, and leaves out what its false COMMITs said. */
export const FALSE_COMMIT_LEFT_OUT: ExpectedSuspicion = {
  kind: 'contradictory-view-changes',
  certainty: 'certain',
  by: 'every node that has its COMMIT for another batch',
  when: 'there is a view change and the number is not covered by a stable checkpoint',
};
