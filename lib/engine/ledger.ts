// What has become of the parts of a call, in shared memory: its result where that is a number, two of them, or nothing;
// of any other only that it comes by message. Who writes is in the region and says afterwards that it is out, so that
// plain writes are seen.

export const Entry = { missing: 0, nothing: 1, number: 2, pair: 3, message: 4, failed: 5 } as const;

export class Ledger {
  readonly memory: SharedArrayBuffer;
  readonly capacity: number;
  readonly #entries: Uint8Array;
  readonly #values: Float64Array;

  /** @param memory of `Ledger.bytes` */
  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.capacity = Math.floor(memory.byteLength / PART_BYTES);
    this.#values = new Float64Array(memory, 0, this.capacity * 2);
    this.#entries = new Uint8Array(memory, this.capacity * 16, this.capacity);
  }

  static bytes(parts: number): number {
    return parts * PART_BYTES;
  }

  clear(parts: number): void {
    this.#entries.fill(Entry.missing, 0, parts);
  }

  /** False: the result is of another kind, and comes by message. */
  write(part: number, result: unknown): boolean {
    if (typeof result === "number") {
      this.#values[part * 2] = result;
      this.#entries[part] = Entry.number;
    } else if (result === undefined) this.#entries[part] = Entry.nothing;
    else if (isPair(result)) {
      this.#values[part * 2] = result[0];
      this.#values[part * 2 + 1] = result[1];
      this.#entries[part] = Entry.pair;
    } else return false;
    return true;
  }

  mark(part: number, entry: number): void {
    this.#entries[part] = entry;
  }

  entry(part: number): number {
    return this.#entries[part]!;
  }

  read(part: number): unknown {
    const entry = this.#entries[part];
    if (entry === Entry.nothing) return undefined;
    const first = this.#values[part * 2]!;
    return entry === Entry.number ? first : [first, this.#values[part * 2 + 1]!];
  }
}

/** Two numbers and one byte, and what keeps the numbers of the next ledger in line. */
const PART_BYTES = 24;

function isPair(result: unknown): result is [number, number] {
  return Array.isArray(result) && result.length === 2 && typeof result[0] === "number" && typeof result[1] === "number";
}
