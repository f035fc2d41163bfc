/** Messages, events and inputs in one line each, for traces and transcripts. Digests are shortened to eight characters. */
import { replicaName } from '../base/ids.ts';
import type { ClientId, Digest, ReplicaId } from '../base/ids.ts';
import { NULL_DIGEST } from '../base/ids.ts';
import { BATCH_CHECKPOINT } from '../messages/index.ts';
import type { Batch, ClaimedSlot, Message } from '../messages/index.ts';
import type { Event } from '../protocol/event.ts';
import type { Input } from '../protocol/input.ts';
import type { Party } from '../protocol/ports.ts';

export function shortDigest(digest: Digest | undefined): string {
  if (digest === undefined) return '-';
  return digest === NULL_DIGEST ? 'null' : digest.slice(0, 8);
}

export function nameOf(party: ReplicaId | ClientId): string {
  return typeof party === 'number' ? replicaName(party) : `client ${party.slice(0, 8)}`;
}

export function partyName(party: Party): string {
  return nameOf(party.kind === 'replica' ? party.replica : party.client);
}

function names(replicas: readonly ReplicaId[]): string {
  return [...replicas]
    .toSorted((left, right) => left - right)
    .map(replicaName)
    .join(' ');
}

function claims(slots: readonly ClaimedSlot[]): string {
  return slots.map(({ sequence, digest, view }) => `n${sequence}=${shortDigest(digest)}@v${view}`).join(' ');
}

function describeBatch(batch: Batch | undefined): string {
  if (batch === undefined) return 'no requests';
  const count = batch.requests.length;
  const flag = (batch.flags & BATCH_CHECKPOINT) === 0 ? '' : ', checkpoint';
  return `${count} request${count === 1 ? '' : 's'}${flag}`;
}

/** As in the paper: `PREPARE v0 n1 d=1a2b3c4d node2`. */
export function describeMessage(message: Message): string {
  switch (message.type) {
    case 'pre-prepare':
      return `PRE-PREPARE v${message.view} n${message.sequence} d=${shortDigest(message.digest)} (${describeBatch(message.batch)})`;
    case 'prepare':
    case 'commit':
      return `${message.type.toUpperCase()} v${message.view} n${message.sequence} d=${shortDigest(message.digest)} ${replicaName(message.replica)}`;
    case 'checkpoint':
      return `CHECKPOINT n${message.sequence} root=${shortDigest(message.root)} ${replicaName(message.replica)}`;
    case 'reply':
      return `REPLY v${message.view} t${message.timestamp} ${message.outcome} r=${shortDigest(message.resultDigest)} ${replicaName(message.replica)}`;
    case 'replies':
      return message.replies.map(describeMessage).join(', ');
    case 'requests':
      return `REQUEST ${message.requests.map(({ request, proof }) => `t${request.timestamp} (${proof.kind})`).join(', ')}`;
    case 'status':
      return `STATUS v${message.view} h${message.lowWaterMark} executed ${message.lastExecuted} ${replicaName(message.replica)}`;
    case 'fetch':
      return `FETCH ${message.wanted.map((slot) => `n${slot.sequence} d=${shortDigest(slot.digest)}`).join(', ')} ${replicaName(message.replica)}`;
    case 'batch':
      return `BATCH n${message.sequence} d=${shortDigest(message.digest)} (${describeBatch(message.batch)})`;
    case 'decided':
      return `DECIDED ${message.decisions.map((slot) => `n${slot.sequence} d=${shortDigest(slot.digest)}`).join(', ')} ${replicaName(message.replica)}`;
    case 'complaint':
      return `COMPLAINT v${message.view} n${message.sequence} d=${shortDigest(message.digest)} (${message.requests.length} requests) ${replicaName(message.replica)}`;
    case 'fetch-state':
      return `FETCH-STATE n${message.sequence} root=${shortDigest(message.root)} (${message.subtrees.length} subtrees) ${replicaName(message.replica)}`;
    case 'state':
      return `STATE n${message.sequence} root=${shortDigest(message.root)} (${message.held ? `${message.subtrees.length} subtrees` : 'not held'}) ${replicaName(message.replica)}`;
    case 'view-change':
      return `VIEW-CHANGE v${message.view} h${message.lowWaterMark} P[${claims(message.prepared)}] Q[${claims(message.prePrepared)}] ${replicaName(message.replica)}`;
    case 'new-view':
      return `NEW-VIEW v${message.view} from n${message.start.sequence} X[${message.slots.map((slot) => `n${slot.sequence}=${shortDigest(slot.digest)}`).join(' ')}] by ${names(message.supports.map(({ replica }) => replica))}`;
    case 'query-stable':
      return `QUERY-STABLE ${message.recovered === 0 ? '' : `r${message.recovered} `}${replicaName(message.replica)}`;
    case 'reply-stable':
      return `REPLY-STABLE c${message.taken} p${message.prepared} v${message.entered}${message.viewChange === undefined ? '' : `, with its VIEW-CHANGE v${message.viewChange.viewChange.view}`} ${replicaName(message.replica)}`;
    case 'simulate-byzantine':
      return `SIMULATE-BYZANTINE ${replicaName(message.target)} ${message.behaviour} ${message.enabled ? 'on' : 'off'}`;
    default:
      return 'MESSAGE';
  }
}

/** An event of the core; undefined for those that repeat what the trace shows anyway. */
export function describeEvent(event: Event): string {
  switch (event.kind) {
    case 'pre-prepared':
    case 'prepared':
    case 'tentatively-executed':
    case 'committed':
      return `${event.kind} v${event.view} n${event.sequence} d=${shortDigest(event.digest)}`;
    case 'executed': {
      const outcomes = event.requests.map((request) => `t${request.timestamp} ${request.outcome}`).join(', ');
      return `executed n${event.sequence} d=${shortDigest(event.digest)} [${outcomes}]`;
    }
    case 'decided':
      return `decided n${event.sequence} d=${shortDigest(event.digest)} by claims of ${names(event.claims)}`;
    case 'checkpoint-taken':
      return `checkpoint n${event.sequence} root=${shortDigest(event.root)}`;
    case 'checkpoint-stable':
      return `stable n${event.sequence} root=${shortDigest(event.root)} by ${names(event.replicas)}`;
    case 'suspicion': {
      const { node, kind, certainty, view, sequence } = event.suspicion;
      return `suspects ${replicaName(node)} of ${kind} (${certainty}) at v${view} n${sequence}`;
    }
    case 'refused':
      return `refuses ${event.type} of ${nameOf(event.from)}: ${event.code}`;
    case 'buffered':
      return `holds back n${event.sequence}: ${event.what}`;
    case 'body-missing':
    case 'body-fetched':
      return `${event.kind} n${event.sequence} d=${shortDigest(event.digest)}`;
    case 'complained':
      return `complains about n${event.sequence}`;
    case 'client-marked':
      return `marks ${nameOf(event.client)}`;
    case 'request-timeout':
      return `times out on ${event.requestDigest === undefined ? `n${event.sequence ?? 0}` : `request ${shortDigest(event.requestDigest)}`}`;
    case 'resent':
      return `resends ${event.messages} to ${replicaName(event.to)}`;
    case 'diverged':
      return `has diverged at n${event.sequence}`;
    case 'transfer-started':
      return `fetches the state of n${event.sequence} from ${names(event.from)}`;
    case 'transferred':
      return `takes over the state of n${event.sequence} (${event.sizeBytes} bytes came)`;
    case 'state-damaged':
      return `cannot read its state: ${event.reason}`;
    case 'session-evicted':
      return `evicts a session of ${nameOf(event.client)}`;
    case 'request-received':
      return `has request ${shortDigest(event.requestDigest)}`;
    case 'started':
      return `starts: v${event.view} h${event.lowWaterMark} executed ${event.lastExecuted}`;
    case 'view-change-started':
      return `leaves for view ${event.view} (${event.reason})`;
    case 'new-view-made':
      return `starts view ${event.view} from n${event.start} with ${event.slots} batches, ${event.nulls} of them null`;
    case 'view-entered':
      return `enters view ${event.view}`;
    case 'recovery-started':
      return `has lost its log${event.mark === undefined ? '' : `, M is n${event.mark}`}`;
    case 'recovery-estimated':
      return `voted on nothing above M = n${event.mark}`;
    case 'recovery-ordered':
      return `executes RECOVER of ${replicaName(event.replica)} at n${event.sequence}: null batches up to n${event.target}`;
    case 'recovered':
      return `has recovered at n${event.sequence}, votes above view ${event.barred}`;
    case 'message-sent':
      return `sends ${describeMessage(event.message)}`;
    case 'message-received':
      return `receives ${describeMessage(event.message)}`;
    default:
      return 'event';
  }
}

export function describeInput(input: Input | undefined): string {
  if (input === undefined) return 'start';
  switch (input.kind) {
    case 'message':
      return describeMessage(input.message);
    case 'requests':
      return `REQUEST ${input.requests.map(({ request, verified }) => `t${request.request.timestamp} (${verified})`).join(', ')} from ${nameOf(input.from)}`;
    case 'refused':
      return `refused: ${input.refusal.code} (${input.refusal.reason})`;
    case 'connected':
      return `connected to ${replicaName(input.peer)}`;
    case 'wrong-reply':
      return `wrong reply of ${replicaName(input.replica)}`;
    case 'timeout':
      return 'timeout';
    default:
      return 'input';
  }
}
