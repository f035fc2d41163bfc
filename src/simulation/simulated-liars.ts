/** The liars that only a simulated world can have, since they need more of it than a behaviour does. */
import type { Bytes } from '../base/bytes.ts';
import type { Coverage } from './coverage.ts';
import type { NodeParts } from './node.ts';
import type { Liar } from './options.ts';
import type { Random } from './random.ts';
import { ReplayMutated } from './replay-mutated.ts';
import { ChangingSplit } from './twins.ts';
import type { World } from './world.ts';

/** How long the others stay on their sides, in µs, by variant. */
const SPLIT_US: readonly number[] = [100_000, 400_000, 1_500_000];

export interface LiarModules {
  /** Of the liar's node, which is in the world already. */
  readonly parts: NodeParts;
  readonly random: Random;
  readonly coverage: Coverage;
  /** Is told of each frame that nobody may accept. */
  readonly onForged: (frame: Bytes) => void;
}

/** Adds to the world what such a liar consists of besides its node; nothing for all others. Requires: the world has not started. */
export function addSimulatedLiar(world: World, { replica, behaviour, variant }: Liar, modules: LiarModules): void {
  const { parts, random, coverage, onForged } = modules;
  if (behaviour === 'replay-mutated') {
    const { authenticator } = parts;
    world.addObserver(new ReplayMutated(world, { self: replica, authenticator, random, coverage, onForged }));
  } else if (behaviour === 'twins') {
    const split = new ChangingSplit(random);
    const twin = world.addTwin(parts, split.sideOf);
    twin.wallOffsetMs = world.node(replica).wallOffsetMs;
    const periodUs = SPLIT_US[variant % SPLIT_US.length] ?? 0;
    const change = (): void => {
      coverage.count('fault effect', 'twins: other sides');
      split.change();
      world.after(periodUs, 'the twins change sides', change);
    };
    change();
  }
}
