/** What the checkers of the simulator hold a run to, in words for people. A test holds the list to the checkers. */

export interface InvariantEntry {
  /** As a checker names it. */
  readonly name: string;
  /** One sentence: what always holds. */
  readonly says: string;
  /** Judged when a seed has come to its end, not at each step. */
  readonly atEnd: boolean;
}

const entry = (name: string, says: string, atEnd = false): InvariantEntry => ({ name, says, atEnd });

/** Those that people look at first come first. */
export const INVARIANTS: readonly InvariantEntry[] = [
  entry('agreement', 'Correct replicas execute the same batch at each sequence number.'),
  entry('one prepared digest', 'In one view, one sequence number is prepared for one batch only.'),
  entry('no contradiction', 'No correct replica says one thing and later, or elsewhere, another.'),
  entry('execution in order', 'Batches are executed in the order of their numbers, none left out.'),
  entry('validity', 'What is accepted and executed was asked for by its client.'),
  entry('exactly once', 'Each request is executed once, in the order of its session.'),
  entry('idempotency', 'A repeated key gives the first outcome again.'),
  entry('what clients observed', 'What a client is told is what was executed.'),
  entry('linearizability', 'One order of all calls explains what every client was told.', true),
  entry('equal roots', 'At equal numbers correct replicas have equal states.'),
  entry('content as the model', 'The state is what a plain model computes from the same batches.'),
  entry('application invariant', 'No money is made or lost: the sum over all accounts stays.'),
  entry('durable before it is said', 'A vote leaves a replica after its record is on disk.'),
  entry('kept until stable', 'Nothing above the low water mark is thrown away.'),
  entry('durability', 'A replica can start from its own disk.'),
  entry('marks never fall', 'View and low water mark never go back.'),
  entry('marks', 'The window is as wide as the configuration says.'),
  entry('accepted in the window', 'Nothing outside the water marks is accepted.'),
  entry('h moves with q', 'A checkpoint is stable when a quorum has signed it.'),
  entry('bounds', 'Queues and tables stay within their limits.'),
  entry('accuracy', 'No correct replica is certain of the guilt of a correct one.'),
  entry('authenticity', 'Nothing forged is taken for a vote.'),
  entry('replies', 'A replica replies to what it executes, unless the client itself left it out.'),
  entry('ordered once', 'A primary puts a request into one batch of its view.'),
  entry('lost votes', 'A replica that lost its log never votes again on what it may have voted on.'),
  entry('assertion', 'No replica stops itself because of a fault of its own.'),
  entry('exception', 'Nothing unforeseen is thrown.'),
  entry('liveness', 'In a network that has healed, every request is answered.', true),
  entry('convergence', 'In the end all correct replicas are at the same place.', true),
  entry('checkpoints', 'In the end checkpoints have become stable.', true),
  entry('one view', 'In the end no correct replica stands alone in a higher view.', true),
  entry('idle checkpoint', 'When all is quiet, the last checkpoint covers everything.', true),
];
