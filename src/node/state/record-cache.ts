/** What was read lately, within a bound of bytes: two generations, of which the older one goes when the younger one is half of the bound. */
export class RecordCache<Value> {
  readonly #maxBytes: number;
  #young = new Map<number, Value>();
  #old = new Map<number, Value>();
  #youngBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** `bytes`: what the value takes, roughly. One that takes more than an eighth of the bound is not kept. */
  set(id: number, value: Value, bytes: number): void {
    if (bytes > this.#maxBytes / 8) return;
    this.#young.set(id, value);
    this.#youngBytes += bytes;
    if (this.#youngBytes < this.#maxBytes / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  /** The value, which stays for longer now. */
  get(id: number, bytesOf: (value: Value) => number): Value | undefined {
    const young = this.#young.get(id);
    if (young !== undefined) return young;
    const old = this.#old.get(id);
    if (old !== undefined) this.set(id, old, bytesOf(old));
    return old;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
  }
}
