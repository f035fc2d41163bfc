#!/usr/bin/env node
/** The command line: `pbft --help`. Each command is a file in commands/. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { NOTHING_BORN_OLD } from './born-old.ts';

// Compiled code is kept beside the dependencies, which belong to whoever may change the code anyway: halves the time to start.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/pbft', import.meta.url)));

// Here and not in the command of a service, so that it holds however a node is started.
setFlagsFromString(NOTHING_BORN_OLD);

// A reader that has gone, as in `pbft status | head`, is no error; nor is a terminal that was closed under `pbft up`.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2));
