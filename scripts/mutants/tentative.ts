/** Tentative execution: what makes it as good as committed, and that it changes nothing before. */
import { PROTOCOL } from './mutant.ts';
import type { Mutant } from './mutant.ts';

export const TENTATIVE: readonly Mutant[] = [
  {
    name: 'f+1 tentative replies are enough',
    breaks: 'what clients observed: fewer than f+1 correct replicas have prepared it, and a view change takes it back',
    file: `${PROTOCOL}/reply-certificate.ts`,
    search: '      if (count >= this.#quorum) return first.view;',
    replace: '      if (count >= this.#needed) return first.view;',
    seeds: 0,
    test: 'test/simulation/tentative.test.ts',
  },
  {
    name: 'tentative replies of any view count together',
    breaks: 'what clients observed: those of the earlier view may have been taken back',
    file: `${PROTOCOL}/reply-certificate.ts`,
    search: "reply?.outcome === 'tentative' && reply.view === first.view && matches",
    replace: "reply?.outcome === 'tentative' && matches",
    seeds: 0,
    test: 'src/protocol/client-session-tentative.test.ts',
  },
  {
    name: 'tentative replies before the record',
    breaks: 'durable before it is said: all that was told must survive if all lose their power',
    file: `${PROTOCOL}/normal-case.ts`,
    search: "  core.persist({ kind: 'prepared', view, sequence, digest });\n",
    replace:
      "  if (!core.config.cluster.tentativeExecution) core.persist({ kind: 'prepared', view, sequence, digest });\n",
    seeds: 5,
    tentative: true,
  },
  {
    name: 'a COMMIT that waits leaves after the view',
    breaks: 'votes after VIEW-CHANGE',
    file: `${PROTOCOL}/tentative.ts`,
    search: "  core.unsentCommits = [];\n  core.timers.clear('commit');\n",
    replace: '',
    seeds: 0,
    test: 'src/protocol/tentative-execution.test.ts',
  },
  {
    name: 'a COMMIT that waits waits for ever',
    breaks: 'liveness where no request follows',
    file: `${PROTOCOL}/held-commits.ts`,
    search:
      "  else if (!core.timers.isSet('commit')) core.timers.set('commit', core.now.monotonic + COMMIT_PATIENCE_US);\n",
    replace: '',
    seeds: 0,
    test: 'src/protocol/tentative-execution.test.ts',
  },
  {
    name: 'two requests of one session are tentative together',
    breaks: 'each request once, in order',
    file: `${PROTOCOL}/tentative-execution.ts`,
    search: '  return sessions.size === requests.length;',
    replace: '  return true;',
    seeds: 0,
    test: 'src/protocol/tentative-execution.test.ts',
  },
  {
    name: 'reads beside what was told',
    breaks: 'linearizability: a read from below what a client knows',
    file: `${PROTOCOL}/tentative-execution.ts`,
    search: '  core.answeredUpTo = asSequence(Math.max(core.answeredUpTo, slot.sequence));\n',
    replace: '',
    seeds: 0,
    test: 'test/simulation/tentative.test.ts',
  },
];
