/**
 * Broken variants of the core: small patches for a copy of the source. Each must be seen by the simulator: that list is the proof that its
 * checkers see. A patch that does not apply exactly once is out of date and fails.
 */

/** One broken variant. */
export interface Mutant {
  readonly name: string;
  /** What of PROTOCOL's invariants it breaks. */
  readonly breaks: string;
  /** Relative to the root. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly search: string;
  readonly replace: string;
  /** The simulator must see it within so many seeds. */
  readonly seeds: number;
  /** The liar of every seed, where few of those that are drawn would show it. */
  readonly liar?: string;
}

const PROTOCOL = 'src/protocol';

export const MUTANTS: readonly Mutant[] = [
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
    seeds: 60,
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
    name: 'CHECKPOINT before its state',
    breaks: 'durability: said before it is on disk',
    file: `${PROTOCOL}/checkpoints.ts`,
    search: "  core.persist({ kind: 'checkpoint', checkpoint: signed,",
    replace:
      "  core.broadcast(checkpoint, signed.signature);\n  core.persist({ kind: 'checkpoint', checkpoint: signed,",
    seeds: 10,
  },
  {
    name: 'a restarted primary numbers anew',
    breaks: 'durability: contradicts what it said before',
    file: `${PROTOCOL}/recovery.ts`,
    search: 'core.nextSequence = asSequence(Math.max(core.highestAccepted, core.lastExecuted) + 1);',
    replace: 'core.nextSequence = asSequence(core.lastExecuted + 1);',
    seeds: 60,
  },
  {
    name: 'a restarted backup forgets what it accepted',
    breaks: 'durability: contradicts what it said before',
    file: `${PROTOCOL}/recovery.ts`,
    search: '      slot.accepted = { view, digest, signature: record.signature };\n',
    replace: '',
    seeds: 60,
  },
  {
    name: 'rewriting the log drops prepared records',
    breaks: 'durability: kept until stable',
    file: `${PROTOCOL}/stored-records.ts`,
    search: "if (slot.prepared !== undefined) records.push({ kind: 'prepared', sequence, ...slot.prepared });",
    replace: '',
    seeds: 20,
  },
  {
    name: 'no deduplication by the client table',
    breaks: 'exactly once',
    file: `${PROTOCOL}/client-table.ts`,
    search: "    return { kind: 'repeat', reply: last.reply };",
    replace: '    return EXECUTE;',
    seeds: 60,
    liar: 'mutate:primary',
  },
  {
    name: 'any higher timestamp is next',
    breaks: 'exactly once, in the order of the session',
    file: `${PROTOCOL}/client-table.ts`,
    search: '    if (request.timestamp === last.timestamp + 1) return EXECUTE;',
    replace: '    if (request.timestamp > last.timestamp) return EXECUTE;',
    seeds: 60,
  },
  {
    name: 'evicted sessions open again',
    breaks: 'exactly once',
    file: `${PROTOCOL}/client-table.ts`,
    search: 'request.timestamp < 1 || request.session <= this.sessionFloor(request.client)',
    replace: 'request.timestamp < 1',
    seeds: 100,
  },
  {
    name: 'client table outside the root',
    breaks: 'exactly once; equal roots after a restart',
    file: `${PROTOCOL}/client-table.ts`,
    search: '      else transaction.put(sessionKey(client, session), encodeSession(known.item.last));\n',
    replace: '',
    seeds: 60,
  },
  {
    name: 'idempotency keys ignored',
    breaks: 'exactly once, per key',
    file: `${PROTOCOL}/idempotency.ts`,
    search: '    if (row === undefined) return NEW;\n',
    replace: '    if (row === undefined || row.operation === operation) return NEW;\n',
    seeds: 60,
  },
  {
    name: 'requests taken for authentic',
    breaks: 'validity',
    file: `${PROTOCOL}/complaints.ts`,
    search: '  return firstUnverified(core, slot, pending) === undefined;',
    replace: '  return firstUnverified(core, slot, pending) === undefined || true;',
    seeds: 30,
    liar: 'corrupt:primary',
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
    search: '  if (replica === core.primaryOf(view)) {\n',
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
    name: 'DECIDED on one claim',
    breaks: 'agreement',
    file: `${PROTOCOL}/catch-up.ts`,
    search: '    if (claims.length < core.quorums.weak) continue;\n',
    replace: '',
    seeds: 60,
  },
  {
    name: 'h moves with f+1 CHECKPOINTs',
    breaks: 'marks: moves only with q',
    file: `${PROTOCOL}/checkpoints.ts`,
    search: 'same.length >= core.quorums.quorum',
    replace: 'same.length >= core.quorums.weak',
    seeds: 60,
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
    name: 'stable checkpoints are not written down',
    breaks: 'marks: h never falls, restarts included',
    file: `${PROTOCOL}/checkpoints.ts`,
    search:
      "  core.persist({ kind: 'stable', sequence, ...certificate });\n  core.output({ kind: 'truncate', records: storedRecords(core) });\n",
    replace: '',
    seeds: 60,
  },
  {
    name: 'the queue has no end',
    breaks: 'bounds',
    file: `${PROTOCOL}/request-queue.ts`,
    search: 'this.#bySession.size >= this.#limits.queueRequests ||',
    replace: '',
    seeds: 60,
  },
  {
    name: 'agreed time by the own clock',
    breaks: 'agreement on time; equal roots',
    file: `${PROTOCOL}/execution.ts`,
    search: 'Math.max(core.agreedTime + 1, batch.timestamp * 1000)',
    replace: 'Math.max(core.agreedTime + 1, core.now.wall * 1000)',
    seeds: 10,
  },
  {
    name: 'a transferred state is not checked',
    breaks: 'equal roots',
    file: `${PROTOCOL}/state-transfer.ts`,
    search: '  if (core.state.root() !== root) {\n',
    replace: '  if (core.state.root() === core.stable.root) {\n',
    seeds: 150,
    liar: 'mutate:backup',
  },
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
  {
    name: 'the client believes the first reply',
    breaks: 'linearizability: what clients observed',
    file: `${PROTOCOL}/reply-certificate.ts`,
    search: 'replies.length < this.#quorums.weak || result === undefined',
    replace: 'result === undefined',
    seeds: 30,
  },
  {
    name: 'nothing is sent again',
    breaks: 'liveness',
    file: `${PROTOCOL}/catch-up.ts`,
    search: '  const messages = help(core, status);\n',
    replace: '  const messages = status.lastExecuted < 0 ? help(core, status) : 0;\n',
    seeds: 40,
  },
  {
    name: 'no checkpoint of an idle cluster',
    breaks: 'liveness: roots of an idle cluster are current',
    file: `${PROTOCOL}/replica.ts`,
    search: "    if (core.timers.fires('idle-checkpoint', monotonic)) proposeIdleCheckpoint(core);\n",
    replace: "    core.timers.fires('idle-checkpoint', monotonic);\n",
    seeds: 10,
  },
];

/** The file with the patch in it; undefined when it does not apply exactly once. */
export function applyMutant({ search, replace }: Pick<Mutant, 'search' | 'replace'>, text: string): string | undefined {
  const at = text.indexOf(search);
  if (at < 0 || text.indexOf(search, at + 1) >= 0) return undefined;
  return text.slice(0, at) + replace + text.slice(at + search.length);
}
