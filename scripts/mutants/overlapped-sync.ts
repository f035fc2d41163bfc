/** A primary that proposes before its vote is on disk: what keeps it from proposing something else, and its proposal from being a vote. */
import { PROTOCOL } from './mutant.ts';
import type { Mutant } from './mutant.ts';

export const OVERLAPPED_SYNC: readonly Mutant[] = [
  {
    name: 'a primary that started again goes on to propose',
    breaks: 'accuracy: a correct replica proposes two batches under one number',
    file: `${PROTOCOL}/replica.ts`,
    search: "      leaveView(core, 'restart');\n",
    replace: '      core.toppled = undefined;\n',
    seeds: 0,
    test: 'test/simulation/overlapped-sync.test.ts',
  },
  {
    name: 'nobody writes down that a primary proposes',
    breaks: 'durable before it is said',
    file: `${PROTOCOL}/proposing.ts`,
    search: "  core.persist({ kind: 'proposes', view: core.view });\n",
    replace: '',
    seeds: 10,
    overlap: true,
  },
  {
    name: 'rewriting the log drops that it proposed',
    breaks: 'accuracy after a restart',
    file: `${PROTOCOL}/stored-records.ts`,
    search: "  if (core.proposesIn !== undefined) records.push({ kind: 'proposes', view: core.proposesIn });\n",
    replace: '',
    seeds: 0,
    test: `${PROTOCOL}/overlapped-sync.test.ts`,
  },
  {
    name: 'a PRE-PREPARE that may not be on disk is a vote',
    breaks: 'prepared is no more what a quorum has on disk',
    file: `${PROTOCOL}/quorum.ts`,
    search: '  const prepares = overlapped && faultLimit > 0 ? quorum : quorum - 1;',
    replace: '  const prepares = quorum - 1;',
    seeds: 0,
    test: `${PROTOCOL}/overlapped-sync.test.ts`,
  },
  {
    name: 'the PREPARE of a primary leaves before its record',
    breaks: 'durable before it is said',
    file: `${PROTOCOL}/proposing.ts`,
    search:
      '    recordAccepted(core, slot, { view, digest, batch, signature: undefined });\n    castPrepare(core, slot, { view, digest });\n',
    replace:
      '    castPrepare(core, slot, { view, digest });\n    recordAccepted(core, slot, { view, digest, batch, signature: undefined });\n',
    seeds: 10,
    overlap: true,
  },
];
