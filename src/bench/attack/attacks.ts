/** The attacks that are measured, in the order in which they are shown. Owns the list. [Aardvark, NSDI'09 §6; RBFT, ICDCS'13 §6] */

export const ATTACK_NAMES = [
  'bad-macs',
  'client-flood',
  'replica-flood',
  'slow-1ms',
  'slow-10ms',
  'slow-100ms',
  'silent-backup',
  'equivocating-primary',
  'wrong-replies',
] as const;

export type AttackName = (typeof ATTACK_NAMES)[number];

/** Frames a second of one who floods, over one link to the primary. */
export const FLOOD_PER_SECOND = 10_000;
/** Requests a second of a client with bad MACs, to each node. */
export const BAD_REQUESTS_PER_SECOND = 200;

/** What a process of the benchmark does over links that are properly authenticated. */
export type AttackerKind = 'bad-macs' | 'client-flood' | 'replica-flood';

export interface Attack {
  readonly name: AttackName;
  /** One line for people. */
  readonly summary: string;
  /** Which node misbehaves; `none`: a client does. */
  readonly faulty: 'primary' | 'backup' | 'none';
  /** A node is told a behaviour, as `pbft byzantine` takes it; or a process beside the nodes attacks. */
  readonly how:
    | { readonly kind: 'behaviour'; readonly behaviour: string }
    | { readonly kind: 'attacker'; readonly attacker: AttackerKind };
}

function told(name: AttackName, faulty: Attack['faulty'], behaviour: string, summary: string): Attack {
  return { name, summary, faulty, how: { kind: 'behaviour', behaviour } };
}

function attacker(name: AttackName & AttackerKind, faulty: Attack['faulty'], summary: string): Attack {
  return { name, summary, faulty, how: { kind: 'attacker', attacker: name } };
}

export const ATTACKS: readonly Attack[] = [
  attacker('bad-macs', 'none', 'a client whose requests convince one node each and no other'),
  attacker('client-flood', 'none', '10,000 frames a second with bad MACs from one client to the primary'),
  attacker('replica-flood', 'backup', '10,000 frames a second over the link of a backup to the primary'),
  told('slow-1ms', 'primary', 'slow:1', 'everything that the primary sends leaves 1 ms late'),
  told('slow-10ms', 'primary', 'slow:10', 'everything that the primary sends leaves 10 ms late'),
  told('slow-100ms', 'primary', 'slow:100', 'everything that the primary sends leaves 100 ms late'),
  told('silent-backup', 'backup', 'silent', 'a backup says nothing'),
  told('equivocating-primary', 'primary', 'equivocate', 'the primary proposes two batches for each number'),
  told('wrong-replies', 'backup', 'wrong-reply', 'a backup tells clients wrong results'),
];

/** Does somebody burn CPU in it, so that it is held against a fault-free row that is robbed of as much? */
export function isFlood({ how }: Attack): boolean {
  return how.kind === 'attacker' && how.attacker !== 'bad-macs';
}
