/** Options and argument readers that several commands share. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { DATA_DIRECTORY } from './find-cluster.ts';
import { CRYPTO_CHOICES } from './seeds/node-crypto.ts';

/** How a command tells its exit code: one of {@link EXIT}, or why a node's process stopped by itself. */
export type End = (code: number) => void;

/** Adds the two options by which a command finds its cluster. */
export function withClusterOptions(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'one node of the cluster, e.g. http://127.0.0.1:8001 (or PBFT_URL)'))
    .addOption(new Option('--data <directory>', `folder of a local cluster (default: ./${DATA_DIRECTORY})`));
}

/** `--crypto`, as the commands of the simulator have it. */
export function cryptoOption(): Option {
  return new Option('--crypto <kind>', 'signatures and MACs: a table of who issued what, or real keys')
    .choices(CRYPTO_CHOICES)
    .default('ideal');
}

/** Reads an integer between two bounds; anything else is a usage error that names them. */
export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`An integer from ${min} to ${max} is allowed.`);
  };
}
