/** What tests of whole scenarios ask of a ScenarioWorld, besides its own commands. */
import { asReplicaId } from '../../src/base/ids.ts';
import { applicationNamed } from '../../src/apps/index.ts';
import type { MessageType } from '../../src/messages/index.ts';
import { DEFAULT_TUNING, windowSize } from '../../src/protocol/config.ts';
import type { Event, EventKind } from '../../src/protocol/event.ts';
import { portableSha256 } from '../../src/simulation/ideal-authenticator.ts';
import { typeOfFrame } from '../../src/simulation/link-faults.ts';
import type { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { isTroubleCommand, troubleWorld } from '../../src/simulation/scenario-faults.ts';
import type { TwinSplit } from '../../src/simulation/twins.ts';

/** Everything that a kind of event told, with the index of the node: of one kind, as it happens from now on. */
export function record<Kind extends EventKind>(
  { world }: ScenarioWorld,
  kind: Kind,
): readonly { readonly node: number; readonly time: number; readonly event: Extract<Event, { kind: Kind }> }[] {
  const seen: { node: number; time: number; event: Extract<Event, { kind: Kind }> }[] = [];
  const isMeant = (event: Event): event is Extract<Event, { kind: Kind }> => event.kind === kind;
  world.addObserver({
    stepped: (node, _input, outputs) => {
      for (const output of outputs)
        if (output.kind === 'event' && isMeant(output.event))
          seen.push({ node: node.id + 1, time: world.time, event: output.event });
    },
  });
  return seen;
}

/** A command of scenarios about links and processes: `partition node1 node2 | node3 node4`, `heal`. */
export function trouble(scene: ScenarioWorld, command: string): void {
  const [name = '', ...words] = command.split(' ');
  if (!isTroubleCommand(name)) throw new Error(`"${command}": no such command`);
  troubleWorld(scene.world, name, words);
}

/** Loses messages of a type for which `isLost` says so, by the names of both ends. */
export function lose(
  scene: ScenarioWorld,
  types: readonly MessageType[],
  isLost: (from: string, to: string) => boolean,
): void {
  scene.world.network.addRule((from, to, frame) => {
    const type = typeOfFrame(frame);
    return type !== undefined && types.includes(type) && isLost(from, to) ? 'drop' : undefined;
  });
}

/** So many transfers of 1, by client1 unless another is named. */
export function transfers(scene: ScenarioWorld, count: number, client = 1): void {
  for (let left = count; left > 0; left -= 1) scene.request(client, { operation: 'transfer', amount: 1 });
}

/** All is well again: everything is answered and all correct nodes have executed the same, in one view. */
export function settle(scene: ScenarioWorld, limitUs = 30_000_000): boolean {
  return (
    scene.runUntilAnswered(limitUs) &&
    scene.runUntil(() => {
      const statuses = scene.correctNodes().map((node) => node.status);
      const isSame = new Set(statuses.map(({ view, lastExecuted }) => `${view} ${lastExecuted}`)).size === 1;
      return isSame && statuses.every(({ inViewChange }) => !inViewChange);
    }, limitUs) &&
    scene.isConverged()
  );
}

/** The views of the correct nodes that are up. */
export function viewsOf(scene: ScenarioWorld): readonly number[] {
  return scene.correctNodes().map((node) => node.status.view);
}

/** Makes a node two instances with one identity; the second starts from an empty disk, now. */
export function addTwin(scene: ScenarioWorld, index: number, split: TwinSplit): void {
  const { world, options } = scene;
  const self = asReplicaId(index - 1);
  const original = world.node(self);
  original.isCorrect = false;
  const application = applicationNamed('ledger');
  if (application === undefined) throw new Error('the ledger comes with the project');
  const pipeline = Math.min(DEFAULT_TUNING.pipeline, windowSize(world.cluster));
  const twin = world.addTwin(
    {
      config: { self, cluster: world.cluster, tuning: { ...DEFAULT_TUNING, pipeline, ...options.tuning } },
      authenticator: world.authority.authenticator({ kind: 'replica', replica: self }),
      application,
      sha256: portableSha256,
      behaviour: undefined,
      isCorrect: false,
    },
    split,
  );
  world.restart(twin);
}
