/** A failing run as a scenario: what `pbft replay` reads, and what becomes a regression test in test/scenarios. Owns nothing. */
import { describeBroken } from './broken-invariant.ts';
import { writeOptions } from './options-json.ts';
import type { Shrunk } from './shrink.ts';

/** `origin`: which seed of which source it was, `17@cb58d74`; `replay`: the command that runs the file again. Ends with a line's end. */
export function failureScenario(origin: string, { options, violation, runs }: Shrunk, replay: string): string {
  const how = runs === 0 ? 'as it was drawn' : `shrunk in ${runs} runs`;
  return [
    `# Seed ${origin} broke the invariant "${violation.invariant}": ${how}. Run it again: ${replay}`,
    '# In test/scenarios it is a regression test: once the cause is gone, its verdict must read "no violation".',
    `> swarm ${writeOptions(options)}`,
    '> verdict',
    describeBroken(violation),
    '',
  ].join('\n');
}
