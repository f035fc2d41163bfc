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
  /** So many nodes in every seed. */
  readonly nodes?: number;
  /** Seen by this test instead, which enumerates what random seeds find too rarely. Relative to the root; run in the copy. */
  readonly test?: string;
  /** The liar of every seed, where few of those that are drawn would show it. */
  readonly liar?: string;
  /** Disks are lost in every seed. */
  readonly lostDisks?: boolean;
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
    seeds: 200,
  },
  {
    name: 'evicted sessions open again',
    breaks: 'exactly once',
    file: `${PROTOCOL}/client-table.ts`,
    search: 'request.timestamp < 1 || request.session <= this.sessionFloor(request.client)',
    replace: 'request.timestamp < 1',
    seeds: 200,
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
    seeds: 150,
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
      "  core.persist({ kind: 'stable', sequence, ...certificate, hasState });\n  core.output({ kind: 'truncate', records: storedRecords(core) });\n",
    replace: '',
    seeds: 60,
  },
  {
    name: 'the queue has no end',
    breaks: 'bounds',
    file: `${PROTOCOL}/request-queue.ts`,
    search: 'this.#bySession.size >= this.#limits.queueRequests ||',
    replace: '',
    seeds: 200,
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
    seeds: 300,
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
    seeds: 100,
  },
  {
    name: 'nothing is sent again',
    breaks: 'liveness',
    file: `${PROTOCOL}/catch-up.ts`,
    search: '  const messages = help(core, status);\n',
    replace: '  const messages = status.lastExecuted < 0 ? help(core, status) : 0;\n',
    seeds: 100,
  },
  {
    name: 'no checkpoint of an idle cluster',
    breaks: 'liveness: roots of an idle cluster are current',
    file: `${PROTOCOL}/replica.ts`,
    search: "    if (core.timers.fires('idle-checkpoint', monotonic)) proposeIdleCheckpoint(core);\n",
    replace: "    core.timers.fires('idle-checkpoint', monotonic);\n",
    seeds: 10,
  },
  {
    name: 'A1 with < only',
    breaks: '[S] liveness of the choice',
    file: `${PROTOCOL}/decision-rules.ts`,
    search: 'other.view === view && other.digest !== digest',
    replace: 'other.view === view && other.digest !== ""',
    seeds: 0,
    test: 'test/small-scope/one-slot.test.ts',
  },
  {
    name: "A1 without d'' = d",
    breaks: '[S] agreement',
    file: `${PROTOCOL}/decision-rules.ts`,
    search: 'if (other.view > view || (other.view === view && other.digest !== digest)) against += 1;',
    replace: 'if (other.view > view) against += 1;',
    seeds: 0,
    test: 'test/small-scope/one-slot.test.ts',
  },
  {
    name: 'A2 missing',
    breaks: '[S] agreement',
    file: `${PROTOCOL}/decision-rules.ts`,
    search: '    return views.filter((later) => later >= view).length >= this.#quorums.weak;',
    replace: '    return views.length >= 0 || view < 0;',
    seeds: 0,
    test: 'test/small-scope/one-slot.test.ts',
  },
  {
    name: "A2 without v'' ≥ v'",
    breaks: '[S] agreement',
    file: `${PROTOCOL}/decision-rules.ts`,
    search: 'views.filter((later) => later >= view).length',
    replace: 'views.filter((later) => later >= 0 || view < 0).length',
    seeds: 0,
    test: 'test/small-scope/one-slot.test.ts',
  },
  {
    name: 'B with q−1',
    breaks: '[S] agreement',
    file: `${PROTOCOL}/decision-rules.ts`,
    search: '    return this.#claimCount - prepared >= this.#quorums.quorum;',
    replace: '    return this.#claimCount - prepared >= this.#quorums.quorum - 1;',
    seeds: 0,
    test: 'test/small-scope/one-slot.test.ts',
  },
  {
    name: 'null not checked in a NEW-VIEW',
    breaks: '[S] agreement',
    file: `${PROTOCOL}/decision.ts`,
    search: '(digest === NULL_DIGEST && index.allowsNull(sequence))',
    replace: 'digest === NULL_DIGEST',
    seeds: 0,
    test: 'test/small-scope/one-slot.test.ts',
  },
  {
    name: 'start that one lists',
    breaks: '[S] a view starts from a state that nobody has',
    file: `${PROTOCOL}/decision.ts`,
    search: 'if (count === quorums.weak) start',
    replace: 'if (count === 1) start',
    seeds: 0,
    test: 'test/small-scope/several-slots.test.ts',
  },
  {
    name: 'start without what is proven',
    breaks: '[S] agreement',
    file: `${PROTOCOL}/decision.ts`,
    search: '    start = higher(start, { sequence: lowWaterMark, root });',
    replace: '    start ??= { sequence: lowWaterMark, root };',
    seeds: 0,
    test: 'test/small-scope/several-slots.test.ts',
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
    name: 'no floor',
    breaks: '[S] nothing at or below the start of a view',
    file: `${PROTOCOL}/new-view.ts`,
    search: '  core.floor = start.sequence;\n',
    replace: '',
    seeds: 0,
    test: 'test/paper/tocs-view-change.test.ts',
  },
  {
    name: 'P of the first view',
    breaks: '[S] P lists the latest view',
    file: `${PROTOCOL}/normal-case.ts`,
    search: '  slot.prepared = { view, digest };\n',
    replace: '  slot.prepared ??= { view, digest };\n',
    seeds: 80,
  },
  {
    name: 'Q drops earlier digests',
    breaks: '[S] liveness, agreement: what was pre-prepared stays listed',
    file: `${PROTOCOL}/normal-case.ts`,
    search: '  slot.prePrepared.set(digest, view);\n',
    replace: '  slot.prePrepared.clear();\n  slot.prePrepared.set(digest, view);\n',
    seeds: 200,
  },
  {
    name: 'Q not renewed for X',
    breaks: '[S] Q lists the latest view',
    file: `${PROTOCOL}/normal-case.ts`,
    search: '  slot.prePrepared.set(digest, view);\n',
    replace: '  if (!slot.prePrepared.has(digest)) slot.prePrepared.set(digest, view);\n',
    seeds: 150,
  },
  {
    name: 'null left out of P',
    breaks: '[S] the null batch is prepared like any other',
    file: `${PROTOCOL}/view-change.ts`,
    search: '    if (slot.prepared !== undefined) prepared.push',
    replace: '    if (slot.prepared !== undefined && slot.prepared.digest !== NULL_DIGEST) prepared.push',
    seeds: 0,
    test: 'test/paper/tocs-view-change.test.ts',
  },
  {
    name: 'votes after VIEW-CHANGE',
    breaks: '[S] P and Q stay true',
    file: `${PROTOCOL}/core.ts`,
    search: '    return !this.inViewChange && !this.diverged;',
    replace: '    return !this.diverged;',
    seeds: 60,
  },
  {
    name: 'enters an older view',
    breaks: 'marks: a view never falls',
    file: `${PROTOCOL}/new-view.ts`,
    search: "  if (message.view < core.view) return core.refuse('new-view', author, 'old-view');\n",
    replace: '',
    seeds: 600,
  },
  {
    name: 'a second NEW-VIEW for one view',
    breaks: '[S] at most one NEW-VIEW per view',
    file: `${PROTOCOL}/new-view.ts`,
    search: '  if (message.view === core.view && !core.inViewChange) {\n',
    replace: '  if (message.view === core.view && !core.inViewChange && core.newView === undefined) {\n',
    seeds: 0,
    test: 'test/paper/tocs-view-change.test.ts',
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
    name: 'h not raised by a NEW-VIEW',
    breaks: '[S] all of X lies in the window',
    file: `${PROTOCOL}/new-view.ts`,
    search: '  adoptProven(core, viewChanges);\n',
    replace: '',
    seeds: 150,
  },
  {
    name: 'checkpoints above h do not survive a restart',
    breaks: '[S] announced states stand until a higher one is stable',
    file: `${PROTOCOL}/stored-records.ts`,
    search: 'of core.ownCheckpoints.values()) {',
    replace: 'of [...core.ownCheckpoints.values()].slice(0, 1)) {',
    seeds: 60,
  },
  {
    name: 'waits for others in exactly its view',
    breaks: '[S] scattered replicas meet again',
    file: `${PROTOCOL}/core.ts`,
    search: '(seen >= view ? [asReplicaId(replica)] : [])',
    replace: '(seen === view ? [asReplicaId(replica)] : [])',
    seeds: 0,
    test: 'test/paper/tocs-view-change.test.ts',
  },
  {
    name: 'the choice of a NEW-VIEW is not checked',
    breaks: 'agreement',
    file: `${PROTOCOL}/new-view.ts`,
    search: '  const fault = findFault(core, message);\n',
    replace: '  const fault = findFault(core, message) === "" ? "" : undefined;\n',
    seeds: 300,
    liar: 'corrupt:primary',
  },
  {
    name: 'VIEW-CHANGE before its record',
    breaks: 'durability: said before it is on disk',
    file: `${PROTOCOL}/view-change.ts`,
    search: "  core.persist({ kind: 'view-change', viewChange: signed });\n",
    replace:
      "  core.broadcast(viewChange, signed.signature);\n  core.persist({ kind: 'view-change', viewChange: signed });\n",
    seeds: 20,
  },
  {
    name: 'NEW-VIEW before its record',
    breaks: 'durability: said before it is on disk',
    file: `${PROTOCOL}/new-view.ts`,
    search: '  enterView(core, signed);\n  core.broadcast(newView, signed.signature);\n',
    replace: '  core.broadcast(newView, signed.signature);\n  enterView(core, signed);\n',
    seeds: 20,
  },
  {
    name: 'the view is forgotten in a restart',
    breaks: 'marks: a view never falls, restarts included',
    file: `${PROTOCOL}/recovery.ts`,
    search: '  if (view === core.view && !core.inViewChange) return;\n',
    replace: '  if (view >= core.view) return;\n',
    seeds: 60,
  },
  {
    name: 'PREPARE and COMMIT sign the same bytes',
    breaks: 'certificates: one domain per type',
    file: 'src/messages/codec-context.ts',
    search: 'makeDomain(`${PROTOCOL}/${name}`',
    replace: 'makeDomain(`${PROTOCOL}/${name === "commit" ? "prepare" : name}`',
    seeds: 300,
    liar: 'replay-mutated:backup',
  },
  {
    name: 'a read-only request is ordered',
    breaks: 'liveness: backups refuse such a batch',
    file: `${PROTOCOL}/requests.ts`,
    search: "  if ((flags & REQUEST_READ_ONLY) !== 0) return refuse('read-only-disabled');\n",
    replace: '',
    seeds: 200,
  },
];

/** The file with the patch in it; undefined when it does not apply exactly once. */
export function applyMutant({ search, replace }: Pick<Mutant, 'search' | 'replace'>, text: string): string | undefined {
  const at = text.indexOf(search);
  if (at < 0 || text.indexOf(search, at + 1) >= 0) return undefined;
  return text.slice(0, at) + replace + text.slice(at + search.length);
}
