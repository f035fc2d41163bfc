/** `silent`: takes part in nothing that others could see. */
import { perOutput } from './behaviour.ts';
import type { Behaviour } from './behaviour.ts';

export function makeSilent(): Behaviour {
  return perOutput('silent', (output) => (output.kind === 'send' || output.kind === 'reply' ? [] : [output]));
}
