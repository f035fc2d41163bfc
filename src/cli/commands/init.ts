/** `pbft init`: keys and configuration of a real cluster, one folder per node. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { MAC_PRIMITIVES } from '../../protocol/config.ts';
import type { AuthenticationMode, MacPrimitive } from '../../protocol/config.ts';
import { makeQuorums, MAX_REPLICAS } from '../../protocol/quorum.ts';
import type { QuorumRule } from '../../protocol/quorum.ts';
import {
  CLUSTER_FILE,
  FIRST_HTTP_PORT,
  FIRST_PEER_PORT,
  generateCluster,
  isHost,
  isLoopback,
  loadNodeConfig,
  configWarnings,
  NEW_CLUSTER_MAC,
} from '../../server/config/index.ts';
import type { NodePlan } from '../../server/config/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { integerBetween } from '../options.ts';
import type { End } from '../options.ts';
import { formatTable } from '../table.ts';
import { terminal } from '../terminal.ts';

interface InitOptions {
  readonly hosts: readonly string[];
  readonly directory: string;
  readonly port: number;
  readonly peerPort: number;
  readonly quorumRule: QuorumRule;
  readonly authentication: AuthenticationMode;
  readonly mac: MacPrimitive;
  readonly application: string;
  readonly openClients?: boolean;
  readonly readOnlyRequests?: boolean;
  readonly tentativeExecution?: boolean;
  readonly overlappedSync?: boolean;
  readonly lab?: boolean;
}

const HELP = `
Copy each folder to its own machine and to no other: it holds the secret keys of
that node, and of no other. ${CLUSTER_FILE} is public. A host that is named more than
once gets the next free port numbers for each further node. The HTTP API listens
on 127.0.0.1 of each machine until its configuration says otherwise
(docs/configuration.md).

Examples:
  pbft init --hosts a.example.org,b.example.org,c.example.org,d.example.org
  pbft init --hosts 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4 --directory test

Then, on each machine:
  pbft start --directory node1`;

export function addInitCommand(program: Command, end: End): void {
  program
    .command('init')
    .description('make keys and configuration of a cluster over several machines')
    .requiredOption(
      '--hosts <hosts>',
      `host names or addresses of the nodes, in order, separated by commas; 4 nodes tolerate one faulty node, 7 tolerate two`,
      readHosts,
    )
    .option('--directory <directory>', 'folder in which the folders of the nodes are made', 'pbft-cluster')
    .option('--port <port>', 'port of the HTTP API', integerBetween(1, 65_535), FIRST_HTTP_PORT)
    .option(
      '--peer-port <port>',
      'port for links from other nodes and from clients',
      integerBetween(1, 65_535),
      FIRST_PEER_PORT,
    )
    .addOption(
      new Option('--quorum-rule <rule>', 'what makes a quorum')
        .choices(['intersecting', '2f+1'])
        .default('intersecting'),
    )
    .addOption(
      new Option('--authentication <mode>', 'what proves who sent a message')
        .choices(['mac', 'signature'])
        .default('mac'),
    )
    .addOption(new Option('--mac <primitive>', 'how MACs are made').choices(MAC_PRIMITIVES).default(NEW_CLUSTER_MAC))
    .option(
      '--application <name>',
      'ledger, counter, or the path that a module of your own has on each machine',
      'ledger',
    )
    .option('--open-clients', 'admit any client, not only those with a listed key')
    .option(
      '--read-only-requests',
      'answer read-only requests without ordering them; every result then takes a quorum of replies',
    )
    .option(
      '--tentative-execution',
      'tell clients what a request comes to before it is committed; they then wait for a quorum that says so',
    )
    .option('--overlapped-sync', 'let a primary propose before its vote is on disk; when it starts again its view ends')
    .option('--lab', 'let nodes be told to misbehave; never where value is at stake')
    .addHelpText('after', HELP)
    .action((options: InitOptions) => end(run(options)));
}

function readHosts(text: string): readonly string[] {
  const hosts = text.split(',').map((host) => host.trim());
  const wrong = hosts.find((host) => !isHost(host));
  if (wrong !== undefined) throw new InvalidArgumentError(`${JSON.stringify(wrong)} is no host name or IP address.`);
  if (hosts.length > MAX_REPLICAS) throw new InvalidArgumentError(`A cluster has at most ${MAX_REPLICAS} nodes.`);
  return hosts;
}

function run(options: InitOptions): ExitCode {
  const { quorumRule, authentication, mac, application, openClients, lab } = options;
  const { readOnlyRequests, tentativeExecution, overlappedSync } = options;
  const nodes = planNodes(options);
  const clash = nodes.find(({ host, peerPort, httpPort }) =>
    nodes.some(
      (other) => other.host === host && (other.peerPort === httpPort || peerPort > 65_535 || httpPort > 65_535),
    ),
  );
  if (clash !== undefined)
    return terminal.fail(
      EXIT.usage,
      `the ports of ${clash.host} overlap or do not exist: choose another --port or --peer-port`,
    );
  const made = generateCluster(options.directory, {
    nodes,
    quorumRule,
    authentication,
    mac,
    application,
    openClients: openClients ?? false,
    readOnlyRequests: readOnlyRequests ?? false,
    tentativeExecution: tentativeExecution ?? false,
    overlappedSync: overlappedSync ?? false,
    lab: lab ?? false,
  });
  if (!made.ok) {
    const { error } = made;
    if (error.code === 'unwritable')
      return terminal.fail(EXIT.usage, `cannot make ${options.directory}: ${error.reason}`);
    return terminal.fail(
      EXIT.usage,
      `${options.directory} exists and is not empty: keys are never overwritten; give another --directory`,
    );
  }
  const { faultLimit: f, quorum } = makeQuorums(nodes.length, quorumRule);
  terminal.line(`A cluster of ${nodes.length} nodes (f = ${f}, quorum ${quorum}) in ${options.directory}:`);
  terminal.line();
  const rows = nodes.map(({ host, peerPort }, index) => [
    `  ${join(options.directory, `node${index + 1}`)}`,
    `for ${host}`,
    `links on port ${peerPort}`,
  ]);
  for (const line of formatTable(rows)) terminal.line(line);
  terminal.line();
  terminal.line('Bring each folder to its machine, and to no other; then start it there:');
  terminal.line('  pbft start --directory node1');
  const first = loadNodeConfig(join(options.directory, 'node1'));
  for (const warning of first.ok ? configWarnings(first.value) : []) terminal.warn(warning);
  return EXIT.done;
}

/** Hosts named twice get ports that count upwards. A name may resolve to loopback on its own machine, so links listen on all addresses there. */
function planNodes({ hosts, port, peerPort }: InitOptions): readonly NodePlan[] {
  return hosts.map((host, index) => {
    const before = hosts.slice(0, index).filter((other) => other === host).length;
    const listen = isIP(host) === 0 && !isLoopback(host) ? { peerHost: '0.0.0.0' } : {};
    return { host, httpPort: port + before, peerPort: peerPort + before, ...listen };
  });
}
