/** Sends what the page made, and reads the answer as text, whatever it is. A stream is read until it has brought enough, or is told to stop. */

export interface Tried {
  readonly status: number;
  readonly statusText: string;
  readonly tookMs: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface TryOptions {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
  /** Called with what has come so far, again and again. */
  readonly onProgress: (tried: Tried) => void;
}

/** Characters of an answer that are shown; what is beyond is cut off, and said. */
const MAX_SHOWN = 200_000;

/** Rejects where nobody answers. */
export async function tryCall(options: TryOptions): Promise<Tried> {
  const { method, path, headers, body, signal, onProgress } = options;
  const began = performance.now();
  const response = await fetch(path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body }),
    signal,
    cache: 'no-store',
  });
  const told = (text: string): Tried => ({
    status: response.status,
    statusText: response.statusText,
    tookMs: performance.now() - began,
    headers: [...response.headers],
    body: text,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) break;
      text += part.value;
      onProgress(told(text));
      if (text.length <= MAX_SHOWN) continue;
      text = `${text.slice(0, MAX_SHOWN)}\n… cut off here`;
      await reader?.cancel();
      break;
    }
  } catch (error) {
    // Stopped on purpose: what had come is the answer.
    if (!signal.aborted) throw error;
  }
  return told(pretty(text));
}

/** JSON is set out; everything else stays as it came. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
