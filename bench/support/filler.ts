/** An application for benchmarks: fills the state with many keys in few operations, and changes one. Default export: the state machine. */
import type { StateMachine } from '../../src/protocol/ports.ts';

/** `fill FROM COUNT`: keys FROM … FROM + COUNT − 1; `set KEY TEXT`: one of them; `get KEY`. */
const filler: StateMachine = {
  execute(state, operation) {
    const [what = '', first = '', second = ''] = Buffer.from(operation).toString('latin1').split(' ');
    if (what === 'fill') {
      const from = Number(first);
      const to = from + Math.min(Number(second), 10_000);
      for (let key = from; key < to; key += 1) state.put(keyOf(key), Buffer.from(`value ${key}`));
      return Buffer.from('filled');
    }
    if (what === 'set') state.put(keyOf(Number(first)), Buffer.from(second));
    return Buffer.from(state.get(keyOf(Number(first))) ?? []);
  },
};

function keyOf(key: number): Uint8Array {
  return Buffer.from(`key/${String(key).padStart(10, '0')}`);
}

export default filler;
