/** Detection: nobody is accused who did nothing. */
import { PROTOCOL } from './mutant.ts';
import type { Mutant } from './mutant.ts';

export const DETECTION: readonly Mutant[] = [
  {
    name: 'a PREPARE for another digest convicts its sender',
    breaks: 'accuracy',
    file: `${PROTOCOL}/detection.ts`,
    search: "  accuse(sender, 'digest-mismatch', 'uncertain');",
    replace: "  accuse(sender, 'digest-mismatch', 'certain');",
    seeds: 30,
    liar: 'equivocate:primary',
  },
  {
    name: 'one dissenter convicts the primary',
    breaks: 'accuracy',
    file: `${PROTOCOL}/detection.ts`,
    search: '    if (senders.size < core.quorums.weak) continue;\n',
    replace: '',
    seeds: 60,
  },
];
