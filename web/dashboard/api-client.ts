/** Talks to the nodes of the cluster, whichever of them are there. Every failure is a value that says what to do. */

/** What went wrong. `status` 0: nobody answered. */
export interface ApiFailure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export type ApiResult<Body> =
  | { readonly ok: true; readonly body: Body }
  | { readonly ok: false; readonly error: ApiFailure };

export interface Call {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const TOKEN_KEY = 'pbft-token';
const DEFAULT_TIMEOUT_MS = 5000;

/** The bearer token of this tab, where the cluster wants one. */
export class Token {
  #value: string | undefined = readToken();

  get value(): string | undefined {
    return this.#value;
  }

  set(value: string): void {
    this.#value = value;
  }

  /** It is known to the cluster: the tab remembers it. */
  keep(): void {
    if (this.#value === undefined) return;
    try {
      sessionStorage.setItem(TOKEN_KEY, this.#value);
    } catch {
      // Without storage it lasts until the page is left.
    }
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#value === undefined ? {} : { authorization: `Bearer ${this.#value}` };
  }
}

function readToken(): string | undefined {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Calls one node. `url`: its origin; '' is the node that served the page. The body is trusted to be what the API says: it is the node's own. */
export async function call<Body>(
  url: string,
  path: string,
  token: Token,
  options: Call = {},
): Promise<ApiResult<Body>> {
  const { method = 'GET', body, headers = {}, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...token.headers, ...headers, ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer: unknown = await response.json();
    return response.ok ? { ok: true, body: answer as Body } : { ok: false, error: failureOf(response.status, answer) };
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === 'TimeoutError';
    return {
      ok: false,
      error: isLate
        ? { status: 0, code: 'no_answer', message: `No answer within ${timeoutMs / 1000} s.` }
        : { status: 0, code: 'unreachable', message: 'The node cannot be reached.' },
    };
  }
}

/** The error of an answer, in the words of the API. */
export function failureOf(status: number, answer: unknown): ApiFailure {
  const error = field(answer, 'error');
  const [code, message] = [field(error, 'code'), field(error, 'message')];
  return {
    status,
    code: typeof code === 'string' ? code : 'unknown',
    message: typeof message === 'string' ? message : `The node answered ${status}.`,
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
