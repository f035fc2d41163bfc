/** One run of one trial: nodes in lab mode, a load, and somebody who misbehaves from the moment at which the measured window opens until it closes. */
import { asReplicaId, replicaName } from '../../base/ids.ts';
import { toBase64Url } from '../../base/bytes.ts';
import { DEFAULT_CLIENT_TIMING } from '../../protocol/client-session.ts';
import { makeQuorums } from '../../protocol/quorum.ts';
import type { BenchProcess } from '../bench-process.ts';
import { judgeUnderAttack } from '../execution-check.ts';
import { inWorkplace } from '../in-workplace.ts';
import type { LoadReport } from '../load-report.ts';
import { makeOperations } from '../operations.ts';
import type { PbftSetup } from '../pbft-setup.ts';
import { startPbft, urlOf } from '../pbft-system.ts';
import type { PbftSystem } from '../pbft-system.ts';
import type { Row } from '../row.ts';
import type { Surroundings } from '../system.ts';
import { runLoad, startLoad } from '../under-load.ts';
import { scriptOf } from '../workplace.ts';
import type { Workplace } from '../workplace.ts';
import type { AttackOutcome, AttackRun, Trial } from './attack-figures.ts';
import type { AttackerMessage, AttackerOrder, AttackerPlan, AttackerReport } from './attacker-plan.ts';
import { ATTACKS } from './attacks.ts';
import type { Attack } from './attacks.ts';

export interface AttackRunPlan {
  readonly trial: Trial;
  readonly row: Row;
  /** Of one core, for a trial that burns. */
  readonly burnShare: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly surroundings: Surroundings;
  /** Gives the run up. */
  readonly signal: AbortSignal;
}

/** All as people have it; but the end of a run is found soon. */
const ATTACK_TUNING: Readonly<Record<string, number>> = { idle_checkpoint_ms: 500 };
const MS_PER_SECOND = 1000;
const US_PER_SECOND = 1_000_000;
const ORDERED_WITHIN_MS = 5000;

/** Figures, if everything that was acknowledged was executed once by the nodes that are correct; else the reason. Rejects only when given up. */
export async function measureAttack(plan: AttackRunPlan): Promise<AttackOutcome> {
  return inWorkplace(plan.signal, async (place) => measure(place, plan));
}

/** Who misbehaves, as the run goes on. */
interface Culprit {
  begin(): Promise<void>;
  /** What a process beside the nodes did. */
  end(): Promise<AttackerReport | undefined>;
}

async function measure(place: Workplace, plan: AttackRunPlan): Promise<AttackOutcome> {
  const { trial, row, surroundings, warmUpMs, measureMs } = plan;
  const attack = trial.kind === 'attack' ? ATTACKS.find(({ name }) => name === trial.attack) : undefined;
  const load = startLoad(place, surroundings);
  const system = await startPbft(place, row, surroundings, setupFor(row, attack));
  const culprit = await makeCulprit(place, plan, system, attack);
  let begun: Promise<number> | undefined;
  let ended: Promise<AttackerReport | undefined> | undefined;
  const { clusterFile, servers } = system;
  const loadPlan = { row, clusterFile, timing: DEFAULT_CLIENT_TIMING, warmUpMs, measureMs };
  const report = await runLoad(load, servers, loadPlan, (edge) => {
    if (edge === 'opened') begun = beginning(culprit);
    else ended = begun?.then(async () => culprit.end());
    // Both are waited for below; what fails before that fails there.
    begun?.catch(() => undefined);
    ended?.catch(() => undefined);
  });
  const since = (await begun) ?? 0;
  const said = await ended;
  const checked = await system.check(report.acknowledged);
  if (!checked.ok) return { kind: 'failed', reason: checked.error };
  return { kind: 'measured', run: figuresOf(report, since, said) };
}

/** Wall clock, ms, once the culprit has begun. */
async function beginning(culprit: Culprit): Promise<number> {
  const at = Date.now();
  await culprit.begin();
  return at;
}

function setupFor(row: Row, attack: Attack | undefined): PbftSetup {
  const faulty = attack === undefined ? undefined : faultyNode(row, attack);
  const { weak } = makeQuorums(row.nodes);
  return {
    tuning: ATTACK_TUNING,
    lab: true,
    faulty: faulty === undefined ? undefined : asReplicaId(faulty),
    isLinkTaken: attack?.name === 'replica-flood',
    judge: (accounts, acknowledged) => judgeUnderAttack(accounts, acknowledged, weak),
  };
}

/** The primary of view 0, or the last of the backups. */
function faultyNode({ nodes }: Row, { faulty }: Attack): number | undefined {
  return { primary: 0, backup: nodes - 1, none: undefined }[faulty];
}

const NOBODY: Culprit = { begin: async () => Promise.resolve(), end: async () => Promise.resolve(undefined) };

async function makeCulprit(
  place: Workplace,
  { trial, row, burnShare }: AttackRunPlan,
  system: PbftSystem,
  attack: Attack | undefined,
): Promise<Culprit> {
  if (trial.kind === 'burn') return besideNodes(place, { kind: 'burn', share: burnShare });
  if (attack === undefined) return NOBODY;
  const node = system.nodes[faultyNode(row, attack) ?? row.nodes - 1];
  if (node === undefined) throw new Error(`${attack.name} needs a node that is not there`);
  if (attack.how.kind === 'behaviour') {
    const { behaviour } = attack.how;
    const order = async (enabled: boolean): Promise<undefined> => command(node, behaviour, enabled);
    return { begin: async () => order(true), end: async () => order(false) };
  }
  const operation = toBase64Url(makeOperations(row).next(0));
  const { clusterFile } = system;
  return besideNodes(place, { kind: attack.how.attacker, clusterFile, directory: node.directory, operation });
}

/** Tells a node to misbehave, or to stop it. */
async function command(node: PbftSystem['nodes'][number], behaviour: string, enabled: boolean): Promise<undefined> {
  const self = replicaName(node.config.self);
  const answer = await fetch(`${urlOf(node)}/pbft/simulate-byzantine`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ node_id: self, behaviour, enabled }),
    signal: AbortSignal.timeout(ORDERED_WITHIN_MS),
  });
  if (!answer.ok) throw new Error(`${self} does not take ${behaviour}: ${await answer.text()}`);
}

async function besideNodes(place: Workplace, plan: AttackerPlan): Promise<Culprit> {
  const attacker = place.start({
    name: 'attacker',
    command: process.execPath,
    args: [scriptOf('attack/attacker-process')],
    hasChannel: true,
  });
  attacker.send(plan);
  await expectMessage(attacker, 'ready');
  const order = (kind: AttackerOrder['kind']): void => attacker.send({ kind } satisfies AttackerOrder);
  return {
    begin: async () => Promise.resolve(order('begin')),
    end: async () => {
      order('end');
      return (await expectMessage(attacker, 'ended')).report;
    },
  };
}

async function expectMessage<Kind extends 'ready' | 'ended'>(
  attacker: BenchProcess,
  kind: Kind,
): Promise<Extract<AttackerMessage, { kind: Kind }>> {
  const message = (await attacker.next()) as AttackerMessage;
  if (message.kind === 'failed') throw new Error(message.reason);
  if (message.kind !== kind) throw new Error(`the attacker said ${message.kind} instead of ${kind}`);
  return message as Extract<AttackerMessage, { kind: Kind }>;
}

function figuresOf(report: LoadReport, since: number, said: AttackerReport | undefined): AttackRun {
  const changes = report.viewChanges.filter(({ atMs }) => atMs >= since);
  const [first] = changes;
  const { answered, seconds } = report.lastView;
  return {
    opsPerS: report.measured / report.seconds,
    p50Us: report.p50Us,
    p99Us: report.p99Us,
    viewChanges: changes.length,
    replacedAfterS: first === undefined ? undefined : (first.atMs - since) / MS_PER_SECOND,
    opsPerSAfter: first === undefined || seconds === 0 ? undefined : answered / seconds,
    attacker:
      said === undefined || said.seconds === 0
        ? undefined
        : { cpuShare: said.cpuUs / US_PER_SECOND / said.seconds, framesPerS: said.sent / said.seconds },
    checkedOperations: report.acknowledged,
  };
}
