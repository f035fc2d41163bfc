/** Server-sent events as text, taken apart: for whoever reads `GET /pbft/events` without a browser's EventSource. Pure; it owns the rest of an unfinished event. */

/** One event: its id, where it has one, and its data. */
export interface TextEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/** Is it an id that a node gives its events: a boot and a number? Whoever sends it back as `Last-Event-ID` asks first: a node can say anything. */
export function isEventId(id: unknown): id is string {
  return typeof id === 'string' && /^[0-9a-f]{8}-[0-9]{1,15}$/.test(id);
}

/** The longest event that is taken, in characters; a longer one is none of ours. */
const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024;

export class EventTextReader {
  #rest = '';

  /**
   * The events that are complete with this piece of text, in order. Comments and `retry` are passed over. Throws where an event never ends: what
   * is read there is no event stream.
   */
  read(text: string): readonly TextEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    if (this.#rest.length > MAX_EVENT_CHARACTERS)
      throw new Error(`an event of more than ${MAX_EVENT_CHARACTERS} characters`);
    return blocks.map(readBlock).filter((event) => event !== undefined);
  }
}

function readBlock(block: string): TextEvent | undefined {
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^(id|data): ?(.*)$/.exec(line) ?? [];
    if (name === 'id') id = value;
    if (name === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { id, data: data.join('\n') };
}
