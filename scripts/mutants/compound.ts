/** Compound requests: each operation as if it stood alone, and no more of them than may be. */
import { PROTOCOL } from './mutant.ts';
import type { Mutant } from './mutant.ts';

export const COMPOUND: readonly Mutant[] = [
  {
    name: 'all operations of a compound request have one place',
    breaks: 'what an application is told: no two operations of a batch have one place',
    file: `${PROTOCOL}/compound.ts`,
    search: '    const here = { sequence, index: index + at, agreedTime };\n',
    replace: '    const here = { sequence, index: index + 0 * at, agreedTime };\n',
    seeds: 20,
    compound: true,
  },
  {
    name: 'a compound request takes one place in its batch',
    breaks: 'what an application is told: no two operations of a batch have one place',
    file: `${PROTOCOL}/execution.ts`,
    search: '        place.index += operationCount(entry.request);\n',
    replace: '        place.index += Math.min(1, operationCount(entry.request));\n',
    seeds: 40,
    compound: true,
  },
  {
    name: 'operations of a compound request run backwards',
    breaks: 'what clients observed: results in the order of the operations',
    file: `${PROTOCOL}/compound.ts`,
    search: '  const results = operations.value.map((operation, at) => {\n',
    replace: '  const results = operations.value.toReversed().map((operation, at) => {\n',
    seeds: 10,
    compound: true,
  },
  {
    name: 'an operation whose result has no room is not undone',
    breaks: 'exactly once: its client has it executed again',
    file: `${PROTOCOL}/run-operation.ts`,
    search: '  if (result.length > limit) {\n    state.rollback();\n',
    replace: '  if (result.length > limit) {\n    state.commit();\n',
    // Results of the simulator are small.
    seeds: 0,
    test: 'src/protocol/compound.test.ts',
  },
  {
    name: 'what an application is made to say takes no room',
    breaks: 'a reply that was lost can be had again: it is within its limit',
    file: `${PROTOCOL}/compound.ts`,
    search: '    if (result === undefined || result.length > room) return undefined;\n',
    replace: '    if (result === undefined) return undefined;\n',
    seeds: 0,
    test: 'src/protocol/compound.test.ts',
  },
  {
    name: 'a batch may have any number of operations',
    breaks: 'bounds: what a faulty primary and a faulty client make everybody execute at once',
    file: `${PROTOCOL}/normal-case.ts`,
    search: "  return operations > LIMITS.requestsPerBatch ? 'too-many-operations' : undefined;\n",
    replace: '  return operations < 0 ? undefined : undefined;\n',
    seeds: 0,
    test: 'src/protocol/compound.test.ts',
  },
  {
    name: 'the queue counts a compound request as one',
    breaks: 'fairness: an equal share of the queue is one of the work',
    file: `${PROTOCOL}/request-queue.ts`,
    search: '      operations: operationCount(request.request),\n',
    replace: '      operations: Math.min(1, operationCount(request.request)),\n',
    seeds: 0,
    test: 'src/protocol/request-queue.test.ts',
  },
];
