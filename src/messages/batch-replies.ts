/**
 * Replies of one replica to requests of one batch that it has executed, before they are spelled out: what they share stands once, and of each only
 * which request it answers and with what. Most replies are such, and go from here straight into bytes; one by one they are made for who asks.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { AuthenticatedRequest } from './bundle.ts';
import type { CodecContext } from './codec-context.ts';
import { packRequests } from './digest-list.ts';
import { repliesSize, resultDigest } from './reply.ts';
import type { Reply } from './reply.ts';

/** Where the batch was executed, and by whom. */
export interface ExecutionPlace {
  readonly view: View;
  readonly sequence: Sequence;
  readonly digest: Digest;
  readonly replica: ReplicaId;
}

/** What a request is answered with: one object for all that follow each other with the same. */
export interface Answer {
  readonly result: Bytes;
  readonly resultDigest: Digest;
  /** The result itself is returned, and not its digest alone. */
  readonly isReturned: boolean;
}

export class BatchReplies {
  readonly #place: ExecutionPlace;
  readonly #requests: readonly AuthenticatedRequest[];
  /** Of the requests that are answered, in the batch. */
  readonly #indexes: number[] = [];
  readonly #answers: Answer[] = [];
  #last: Answer | undefined;
  #client: ClientId | undefined;
  #isOneClient = true;
  #returnedBytes = 0;
  #returned = 0;

  /** `requests`: all of the batch. */
  constructor(place: ExecutionPlace, requests: readonly AuthenticatedRequest[]) {
    this.#place = place;
    this.#requests = requests;
  }

  get length(): number {
    return this.#indexes.length;
  }

  get replica(): ReplicaId {
    return this.#place.replica;
  }

  /** Whom all of them are for; undefined where they are for several. */
  get client(): ClientId | undefined {
    return this.#isOneClient ? this.#client : undefined;
  }

  /** Bytes of all of them, each spelled out. */
  get sizeBytes(): number {
    return repliesSize(this.length, this.#returned, this.#returnedBytes);
  }

  /** The request at `index` was executed, with this result. */
  add(context: CodecContext, index: number, result: Bytes, isReturned: boolean): void {
    const { client } = this.#requestAt(index).request;
    this.#client ??= client;
    if (client !== this.#client) this.#isOneClient = false;
    const answer = this.#answerOf(context, result, isReturned);
    this.#last = answer;
    this.#indexes.push(index);
    this.#answers.push(answer);
    if (!isReturned) return;
    this.#returned += 1;
    this.#returnedBytes += result.length;
  }

  #answerOf(context: CodecContext, result: Bytes, isReturned: boolean): Answer {
    const last = this.#last;
    if (last?.result === result && last.isReturned === isReturned) return last;
    const hashed = resultDigest(context, result);
    if (last?.resultDigest === hashed && last.isReturned === isReturned) return last;
    return { result, resultDigest: hashed, isReturned };
  }

  request(at: number): AuthenticatedRequest {
    return this.#requestAt(this.indexOf(at));
  }

  /** Place in the batch of the request that the reply at `at` is for. */
  indexOf(at: number): number {
    const index = this.#indexes[at];
    assert(index !== undefined, 'a reply of those that are here');
    return index;
  }

  /** The digests of all requests of the batch, 32 bytes each; not to be changed. */
  packedDigests(): DataView {
    const packed = packRequests(this.#requests);
    return new DataView(packed.buffer, packed.byteOffset, packed.length);
  }

  answer(at: number): Answer {
    const answer = this.#answers[at];
    assert(answer !== undefined, 'a reply of those that are here');
    return answer;
  }

  /** The reply at `at`, from 0. */
  reply(at: number): Reply {
    const { view, sequence, digest, replica } = this.#place;
    const { request, digest: requestDigest } = this.request(at);
    const { result, resultDigest: hashed, isReturned } = this.answer(at);
    return {
      type: 'reply',
      view,
      sequence,
      digest,
      replica,
      client: request.client,
      session: request.session,
      timestamp: request.timestamp,
      requestDigest,
      outcome: 'executed',
      resultDigest: hashed,
      since: undefined,
      result: isReturned ? result : undefined,
      receipt: undefined,
    };
  }

  /** All of them, one by one. */
  spelledOut(): readonly Reply[] {
    return this.#indexes.map((_, at) => this.reply(at));
  }

  #requestAt(index: number): AuthenticatedRequest {
    const request = this.#requests[index];
    assert(request !== undefined, 'a request of the batch');
    return request;
  }
}
