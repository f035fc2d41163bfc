/**
 * Submits over the HTTP API of one node, as a program without the client library does: one connection that is kept alive for each request under way, and
 * every answer waited for. Owns the connections.
 */
import { Pool } from 'undici';
import type { Bytes } from '../base/bytes.ts';
import { asView } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { ExecutedBody, ReadBody } from '../api/index.ts';
import type { Answer, ReadAnswer, Submitter } from './submitter.ts';

type Told =
  | Pick<ExecutedBody, 'status' | 'view' | 'result'>
  | Pick<ReadBody, 'status' | 'result'>
  | { readonly status?: undefined; readonly error?: { readonly code: string; readonly message: string } };

export class HttpSubmitter implements Submitter {
  readonly #pool: Pool;

  /** `url`: of the node; `connections`: as many as there are requests under way. */
  constructor(url: string, connections: number) {
    this.#pool = new Pool(url, { connections, pipelining: 1 });
  }

  async submit(operation: Bytes, { timeoutMs }: { readonly timeoutMs: number }): Promise<Answer> {
    const told = await this.#post(`wait=true&timeout_ms=${timeoutMs}`, operation);
    return told.kind === 'read' ? { kind: 'unknown', code: 'read', message: 'a write was answered as a read' } : told;
  }

  async read(operation: Bytes, { timeoutMs }: { readonly timeoutMs: number }): Promise<ReadAnswer> {
    return this.#post(`read_only=true&timeout_ms=${timeoutMs}`, operation);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #post(query: string, operation: Bytes): Promise<ReadAnswer> {
    const { status, text } = await this.#exchange(`/pbft/request?${query}`, operation);
    const told = JSON.parse(text) as Told;
    if (told.status === undefined) {
      const { code = `http_${status}`, message = text.slice(0, 200) } = told.error ?? {};
      return { kind: 'unknown', code, message };
    }
    const result = encodeUtf8(JSON.stringify(told.result)) ?? new Uint8Array(0);
    return told.status === 'read' ? { kind: 'read', result } : { kind: 'executed', view: asView(told.view), result };
  }

  /** Rejects when the connection fails. */
  async #exchange(path: string, body: Bytes): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await this.#pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body,
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  }
}
