/** The contents that the tests of the state database use: what each sequence number changes is a function of the number alone. */
import { hash } from 'node:crypto';
import { asDigest, asSequence } from '../../src/base/ids.ts';
import type { AuthenticatedState, Version } from '../../src/base/key-value.ts';
import { DatabaseState } from '../../src/node/index.ts';
import type { DatabaseStateOptions } from '../../src/node/index.ts';
import { MemoryState } from '../../src/state/index.ts';
import type { Sha256 } from '../../src/state/index.ts';

export const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Changes some 100 of 2,000 keys, and deletes some; `sequence` decides which. */
export function change(state: AuthenticatedState, sequence: number, keys = 2000): void {
  const transaction = state.begin();
  for (let i = 0; i < 100; i += 1) {
    const key = text(`key${(sequence * 7919 + i * 104_729) % keys}`);
    if ((sequence + i) % 9 === 0) transaction.delete(key);
    else transaction.put(key, text(`${sequence}:${i}`));
  }
  transaction.commit();
}

/** All versions from 1 to `sequence`, in memory. */
export function modelUntil(sequence: number, keys?: number): readonly Version[] {
  const model = new MemoryState(sha256);
  for (let each = 1; each <= sequence; each += 1) {
    change(model, each, keys);
    model.seal(asSequence(each));
    model.store(asSequence(each));
  }
  return model.versions();
}

export async function openState(path: string, options: Partial<DatabaseStateOptions> = {}): Promise<DatabaseState> {
  const state = await DatabaseState.open({ sha256, path, durability: 'async', ...options });
  if (!state.ok) throw new Error(state.error.message);
  return state.value;
}
