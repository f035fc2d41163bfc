#!/usr/bin/env node
/** The command line: `pbft --help`. Each command is a file in commands/. */
import { runCli } from './program.ts';

// A reader that has gone, as in `pbft status | head`, is no error; nor is a terminal that was closed under `pbft up`.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

process.exitCode = await runCli(process.argv.slice(2));
