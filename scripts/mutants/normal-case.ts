/** Order: three phases, votes, numbers. */
import { PROTOCOL } from './mutant.ts';
import type { Mutant } from './mutant.ts';

export const NORMAL_CASE: readonly Mutant[] = [
  {
    name: 'quorum one too small',
    breaks: 'agreement; one prepared digest per (v, n)',
    file: `${PROTOCOL}/quorum.ts`,
    search: 'Math.ceil((replicaCount + faultLimit + 1) / 2)',
    replace: 'Math.ceil((replicaCount + faultLimit + 1) / 2) - 1',
    seeds: 60,
    liar: 'equivocate:primary',
  },
  {
    name: 'votes counted unverified',
    breaks: 'accuracy; agreement',
    file: `${PROTOCOL}/intake.ts`,
    search: '    if (!this.#isAuthentic(frame, author))\n      return refuse(',
    replace:
      "    if (message.type !== 'prepare' && message.type !== 'commit' && !this.#isAuthentic(frame, author))\n      return refuse(",
    seeds: 150,
  },
  {
    name: 'PREPARE before its record',
    breaks: 'durability: said before it is on disk',
    file: `${PROTOCOL}/normal-case.ts`,
    search: '  recordAccepted(core, slot, pending);\n',
    replace:
      "  core.broadcast({ type: 'prepare', view: pending.view, sequence: slot.sequence, digest: pending.digest, replica: core.self });\n  recordAccepted(core, slot, pending);\n",
    seeds: 10,
  },
  {
    name: 'COMMIT before its record',
    breaks: 'durability: said before it is on disk',
    file: `${PROTOCOL}/normal-case.ts`,
    search: "  core.persist({ kind: 'prepared', view, sequence, digest });\n",
    replace:
      "  core.broadcast({ type: 'commit', view, sequence, digest, replica: core.self });\n  core.persist({ kind: 'prepared', view, sequence, digest });\n",
    seeds: 10,
  },
  {
    name: 'a restarted primary numbers anew',
    breaks: 'durability: contradicts what it said before',
    file: `${PROTOCOL}/recovery.ts`,
    search:
      'core.nextSequence = asSequence(Math.max(core.highestAccepted, core.lastExecuted, chosen, core.log.low) + 1);',
    replace: 'core.nextSequence = asSequence(core.lastExecuted + 1);',
    seeds: 150,
  },
  {
    name: 'a restarted backup forgets what it accepted',
    breaks: 'durability: contradicts what it said before',
    file: `${PROTOCOL}/recovery.ts`,
    search: '      slot.accepted = { view, digest, signature: record.signature };\n',
    replace: '',
    seeds: 0,
    test: 'test/graves/catching-up.test.ts',
  },
  {
    name: 'two digests accepted for one (v, n)',
    breaks: 'one prepared digest per (v, n); no contradiction',
    file: `${PROTOCOL}/normal-case.ts`,
    search:
      "  if (accepted !== undefined) return accepted.digest === digest ? 'duplicate' : 'other-digest-accepted';\n",
    replace: "  if (accepted?.digest === digest) return 'duplicate';\n",
    seeds: 60,
    liar: 'mutate:primary',
  },
  {
    name: 'PREPARE of the primary counted',
    breaks: 'one prepared digest per (v, n)',
    file: `${PROTOCOL}/normal-case.ts`,
    search: '  if (replica === core.primaryOf(view) && !core.overlaps) {\n',
    replace: '  if (replica === core.primaryOf(view) && digest === undefined) {\n',
    seeds: 60,
    liar: 'equivocate:primary',
  },
  {
    name: 'executes what is decided, in any order',
    breaks: 'agreement: execution in order',
    file: `${PROTOCOL}/execution.ts`,
    search: '    const slot = core.log.find(nextSequence(core));\n',
    replace:
      '    const slot = [...core.log.from(nextSequence(core))].find((one) => one.decided !== undefined && one.executed === undefined);\n',
    seeds: 20,
  },
  {
    name: 'accepts above the high water mark',
    breaks: 'marks: nothing outside the window',
    file: `${PROTOCOL}/normal-case.ts`,
    search: "  if (core.log.place(slot.sequence) !== 'window') {\n    core.emit",
    replace: "  if (core.log.place(slot.sequence) === 'below') {\n    core.emit",
    seeds: 60,
  },
  {
    name: 'agreed time by the own clock',
    breaks: 'agreement on time; equal roots',
    file: `${PROTOCOL}/tentative.ts`,
    search: 'Math.max(core.agreedTime + 1, batch.timestamp * 1000)',
    replace: 'Math.max(core.agreedTime + 1, core.now.wall * 1000)',
    seeds: 10,
  },
  {
    name: 'quorum 2f+1 at any n',
    breaks: '[S] agreement at n = 5, 6',
    file: `${PROTOCOL}/quorum.ts`,
    search: "const quorum = rule === '2f+1' ?",
    replace: 'const quorum = rule !== undefined ?',
    seeds: 0,
    test: 'test/small-scope/several-slots.test.ts',
  },
  {
    name: 'committed with f+1 COMMITs',
    breaks: '[S] f+1 COMMITs decide nothing',
    file: `${PROTOCOL}/normal-case.ts`,
    search: '  if (slot.commits.count(prepared.view, prepared.digest) < core.quorums.quorum) return;',
    replace: '  if (slot.commits.count(prepared.view, prepared.digest) < core.quorums.weak) return;',
    seeds: 0,
    test: 'test/graves/view-change.test.ts',
  },
  {
    name: 'PREPARE and COMMIT sign the same bytes',
    breaks: 'certificates: one domain per type',
    file: 'src/messages/codec-context.ts',
    search: 'makeDomain(`${PROTOCOL}/${name}`',
    replace: 'makeDomain(`${PROTOCOL}/${name === "commit" ? "prepare" : name}`',
    seeds: 20,
    liar: 'replay-mutated:backup',
  },
];
