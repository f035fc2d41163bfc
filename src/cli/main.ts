#!/usr/bin/env node
/** The command line: `pbft --help`. Each command is a file in commands/. */
import { runCli } from './program.ts';

process.exitCode = await runCli(process.argv.slice(2));
