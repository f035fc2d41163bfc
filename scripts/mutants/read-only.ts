/** Read-only requests: each of the rules that keep them linearizable, and clients served. */
import { PROTOCOL } from './mutant.ts';
import type { Mutant } from './mutant.ts';

export const READ_ONLY: readonly Mutant[] = [
  {
    name: 'a read on f+1 answers',
    breaks: 'linearizability',
    file: `${PROTOCOL}/client-read.ts`,
    search: '      if (answers.length >= this.#quorums.quorum && (found',
    replace: '      if (answers.length >= this.#quorums.weak && (found',
    seeds: 200,
    from: 33,
    reads: true,
  },
  {
    name: 'writes on f+1 replies beside reads',
    breaks: 'linearizability: a read quorum need not hold what was acknowledged',
    file: `${PROTOCOL}/reply-certificate.ts`,
    search: '  return cluster.readOnlyRequests ? quorums.quorum : quorums.weak;',
    replace: '  return cluster.readOnlyRequests ? quorums.weak : quorums.weak;',
    seeds: 0,
    test: 'test/simulation/read-only.test.ts',
  },
  {
    name: 'equal results of different times make a read',
    breaks: 'linearizability: a value that changes and changes back',
    file: `${PROTOCOL}/client-read.ts`,
    search: '      const answers = same.filter((answer) => answer.since <= since && since <= answer.sequence);',
    replace: '      const answers = same;',
    seeds: 0,
    test: 'test/simulation/read-only.test.ts',
  },
  {
    name: 'reads from a state below what was answered',
    breaks: 'linearizability after a restart',
    file: `${PROTOCOL}/read-only.ts`,
    search: "  return core.mayExecute && core.lastExecuted >= core.answeredUpTo ? undefined : 'state-behind';",
    replace: "  return core.mayExecute ? undefined : 'state-behind';",
    seeds: 0,
    test: 'test/simulation/read-only.test.ts',
  },
  {
    name: 'a restart forgets what may have been answered',
    breaks: 'linearizability after a restart: what is prepared may have been executed and answered for',
    file: `${PROTOCOL}/recovery.ts`,
    search:
      "    case 'prepared':\n      core.answeredUpTo = asSequence(Math.max(core.answeredUpTo, sequence));\n      slot.prepared",
    replace: "    case 'prepared':\n      slot.prepared",
    seeds: 0,
    test: 'test/simulation/read-only.test.ts',
  },
  {
    name: 'what was executed unprepared is answered before it is on disk',
    breaks: 'linearizability after a restart: no record tells that the number may have been answered for',
    file: `${PROTOCOL}/execution.ts`,
    search: 'const isBinding = core.config.cluster.readOnlyRequests && slot.prepared === undefined;',
    replace: 'const isBinding = false;',
    seeds: 0,
    test: 'test/simulation/read-only.test.ts',
  },
  {
    name: 'a restart forgets what the stable checkpoint covers',
    breaks: 'a replica answers no read below what it may have answered for',
    file: `${PROTOCOL}/recovery.ts`,
    search: '  core.answeredUpTo = core.stable.sequence;\n',
    replace: '',
    seeds: 0,
    test: 'src/protocol/read-only.test.ts',
  },
];
