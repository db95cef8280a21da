// The inputs of this session, for the front end's history requests.

interface Entry {
  line: number;
  source: string;
}

export interface HistoryRequest {
  hist_access_type?: "range" | "tail" | "search";
  output?: boolean;
  start?: number;
  stop?: number;
  n?: number;
  pattern?: string;
  unique?: boolean;
}

const SESSION = 0;

export class History {
  readonly #entries: Entry[] = [];

  add(line: number, source: string): void {
    this.#entries.push({ line, source });
  }

  /** Entries as Jupyter wants them: [session, line, input], or [session, line, [input, output]]. */
  answer(request: HistoryRequest): unknown[] {
    const entries = this.#select(request);
    return entries.map(({ line, source }) => [SESSION, line, request.output ? [source, null] : source]);
  }

  #select({ hist_access_type, start = 0, stop, n, pattern = "*", unique }: HistoryRequest): Entry[] {
    if (hist_access_type === "range") {
      return this.#entries.filter(({ line }) => line >= start && (stop === undefined || stop === null || line < stop));
    }
    if (hist_access_type !== "search") return n === undefined ? [...this.#entries] : this.#entries.slice(-n);
    const matches = globPattern(pattern);
    let found = this.#entries.filter(({ source }) => matches.test(source));
    if (unique) found = [...new Map(found.map((entry) => [entry.source, entry])).values()];
    return n === undefined ? found : found.slice(-n);
  }
}

/** A pattern with * and ? as Jupyter's history search understands it. */
function globPattern(pattern: string): RegExp {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${escaped}$`, "s");
}
