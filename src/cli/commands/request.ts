/** `pbft request`: lets the cluster agree on one operation and prints the outcome. */
import type { Command } from 'commander';
import type { ExecutedBody, ReadBody, StartedBody } from '../../api/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { findCluster } from '../find-cluster.ts';
import type { ClusterOptions, KnownNode } from '../find-cluster.ts';
import { callNode, errorOf } from '../http-call.ts';
import type { CallOutcome } from '../http-call.ts';
import { isExecuted, isRead, isStarted } from '../node-answers.ts';
import { readOperation } from '../operation.ts';
import { integerBetween, withClusterOptions } from '../options.ts';
import type { End } from '../options.ts';
import { readStandardInput } from '../standard-input.ts';
import { terminal } from '../terminal.ts';

interface RequestOptions extends ClusterOptions {
  readonly wait: boolean;
  readonly timeout: number;
  readonly idempotencyKey?: string;
  readonly readOnly?: boolean;
  readonly json?: boolean;
}

const HELP = `
The operation is either JSON in one word, or its name followed by field=value.
A value that reads as JSON (100, true, null, [1,2], "text") is taken as that,
anything else as text. - reads the JSON from standard input.

The first node of the cluster is asked, and the next one only if the request
surely did not reach it. With an idempotency key a repeat of the same request
gives the first outcome and is never executed again, at any node.

--read-only asks for the answer of a quorum without having the operation ordered.
Where the cluster does not do that (read_only_requests in its configuration), and
where the answers do not agree, it is ordered like any other.

Examples:
  pbft request transfer amount=100
  pbft request '{"operation":"transfer","amount":100}'
  pbft request transfer to=alice amount=40 --idempotency-key invoice-17
  pbft request balance account=alice --read-only --json
  pbft request put key=greeting value=hello --no-wait`;

export function addRequestCommand(program: Command, end: End): void {
  const command = program
    .command('request')
    .description('let the cluster agree on one operation and print its result')
    .argument('<operation...>', 'JSON, or a name and field=value …')
    .option('--no-wait', 'do not wait for the result: print the sequence number as soon as there is one')
    .option('--timeout <ms>', 'how long to wait for the result, in milliseconds', integerBetween(1, 60_000), 10_000)
    .option('--idempotency-key <key>', '1 to 64 printable characters that make a repeat safe')
    .option('--read-only', 'it changes nothing: have it answered without being ordered, if possible')
    .option('--json', 'print what the node answered, as JSON')
    .addHelpText('after', HELP);
  withClusterOptions(command).action(async (words: string[], options: RequestOptions) =>
    end(await run(words, options)),
  );
}

async function run(words: readonly string[], options: RequestOptions): Promise<ExitCode> {
  const operation = readOperation(words[0] === '-' && words.length === 1 ? [await readStandardInput()] : words);
  if (!operation.ok) return terminal.fail(EXIT.usage, operation.error, 'see pbft request --help');
  const key = options.idempotencyKey;
  if (key !== undefined && !/^[\x20-\x7e]{1,64}$/.test(key)) {
    return terminal.fail(EXIT.usage, 'an idempotency key has 1 to 64 printable ASCII characters');
  }
  if (options.readOnly === true && (key !== undefined || !options.wait))
    return terminal.fail(EXIT.usage, '--read-only goes with neither --no-wait nor --idempotency-key');
  const nodes = findCluster(options);
  if (!nodes.ok) return nodes.error;
  const { outcome, node } = await ask(nodes.value, operation.value, options);
  if (outcome.kind === 'not-sent') {
    return terminal.fail(EXIT.unreachable, `no node of the cluster can be reached: ${node.url}: ${outcome.reason}`);
  }
  if (outcome.kind === 'no-answer') {
    const repeat =
      key === undefined
        ? 'it may have been executed'
        : `repeat it with --idempotency-key ${key}: it is executed once at most`;
    return terminal.fail(EXIT.unknown, `the outcome is unknown: ${node.url}: ${outcome.reason}`, repeat);
  }
  const { body } = outcome;
  const isNode = isExecuted(body) || isRead(body) || isStarted(body) || errorOf(body) !== undefined;
  if (options.json === true && isNode) terminal.json(body);
  if (isExecuted(body) || isRead(body)) return printResult(body, options.json === true);
  if (isStarted(body)) return printStarted(body, node, options.json === true);
  return printError(body, outcome.status, node);
}

/** Asks one node after the other until one has taken the request, or may have. */
async function ask(
  nodes: readonly KnownNode[],
  body: string,
  options: RequestOptions,
): Promise<{ readonly outcome: CallOutcome; readonly node: KnownNode }> {
  const how = options.readOnly === true ? 'read_only' : 'wait';
  const query = options.wait ? `?${how}=true&timeout_ms=${options.timeout}` : '';
  const headers: Record<string, string> =
    options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey };
  // The node itself answers when the time is over; a little more lets that answer arrive.
  const timeoutMs = options.timeout + 2000;
  let last: { readonly outcome: CallOutcome; readonly node: KnownNode } | undefined;
  for (const node of nodes) {
    const outcome = await callNode({
      method: 'POST',
      url: `${node.url}/pbft/request${query}`,
      body,
      headers,
      timeoutMs,
    });
    const refusedUnread = outcome.kind === 'answer' && outcome.status === 503;
    // An answer says more than no connection: it is the one to show when no node takes the request.
    if (last === undefined || outcome.kind !== 'not-sent') last = { outcome, node };
    if (outcome.kind !== 'not-sent' && !refusedUnread) return { outcome, node };
  }
  return last ?? { outcome: { kind: 'not-sent', reason: 'no node is known' }, node: { name: undefined, url: '' } };
}

function printResult(body: ExecutedBody | ReadBody, asJson: boolean): ExitCode {
  const refusal = errorOf(body.result);
  if (!asJson) {
    const nodes = `${body.replies.length} nodes agree: ${body.replies.join(', ')}`;
    const place =
      body.status === 'read'
        ? `read as of number ${body.sequence}`
        : `executed as number ${body.sequence} in view ${body.view}`;
    terminal.note(`${place}; ${nodes}`);
    terminal.line(JSON.stringify(body.result));
  }
  if (refusal === undefined) return EXIT.done;
  return terminal.fail(
    EXIT.refused,
    `the application refused it: ${refusal.code}`,
    ...(refusal.message === '' ? [] : [refusal.message]),
  );
}

function printStarted(body: StartedBody, node: KnownNode, asJson: boolean): ExitCode {
  if (asJson) return EXIT.done;
  terminal.line(`consensus started: sequence ${body.sequence}, request ${body.request_id}`);
  terminal.note(`where it stands: curl -s ${node.url}/pbft/requests/${body.request_id}`);
  return EXIT.done;
}

function printError(body: unknown, status: number, node: KnownNode): ExitCode {
  const error = errorOf(body);
  if (error === undefined)
    return terminal.fail(EXIT.unreachable, `${node.url} is no node of a cluster: it answered with HTTP ${status}`);
  if (error.code === 'outcome_unknown') {
    return terminal.fail(EXIT.unknown, 'the outcome is unknown: the cluster did not answer in time', error.message);
  }
  return terminal.fail(EXIT.refused, `refused: ${error.code}`, error.message);
}
