/** What no correct replica may ever have said, in any of its lives: read off everything that was sent. */
import { decodeFrame } from '../../src/messages/index.ts';
import type { Bench } from './bench.ts';

/** Two digests by one sender for one (view, sequence, phase), or two roots for one checkpoint: one line each. */
export function contradictionsIn(bench: Bench): readonly string[] {
  const said = new Map<string, string>();
  const found: string[] = [];
  for (const { from, frame } of bench.history) {
    const decoded = decodeFrame(frame, bench.kit.codec);
    if (!decoded.ok) throw new Error(`node${String(from)} sent bytes that do not decode`);
    const { message } = decoded.value;
    const statement = statementOf(message, Number(from));
    if (statement === undefined) continue;
    const [key, value] = statement;
    const before = said.get(key) ?? value;
    said.set(key, before);
    if (before !== value) found.push(`${key}: ${before} and ${value}`);
  }
  return found;
}

type Decoded = Extract<ReturnType<typeof decodeFrame>, { ok: true }>['value']['message'];

function statementOf(message: Decoded, from: number): readonly [string, string] | undefined {
  switch (message.type) {
    case 'pre-prepare':
      return [`pre-prepare v${message.view} n${message.sequence}`, message.digest];
    case 'prepare':
    case 'commit':
      return [`${message.type} of ${message.replica} v${message.view} n${message.sequence}`, message.digest];
    case 'checkpoint':
      return [`checkpoint of ${message.replica} n${message.sequence}`, message.root];
    case 'decided':
      return undefined;
    default:
      return from < 0 ? ['', ''] : undefined;
  }
}
