// The inputs of this session and of earlier ones, for the front end's history requests. Kept in one SQLite file of the
// user's, which all kernels share; where it can't be had, the inputs of this session are kept in memory.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";

export interface HistoryRequest {
  hist_access_type?: "range" | "tail" | "search";
  output?: boolean;
  /** Of a range: 0 is this session, n > 0 that session, n < 0 counts back from this one. */
  session?: number;
  start?: number;
  /** Not included. */
  stop?: number | null;
  n?: number | null;
  pattern?: string;
  unique?: boolean;
}

interface Entry {
  session: number;
  line: number;
  source: string;
}

const KEPT_INPUTS = 20_000;

const SCHEMA = `
  PRAGMA busy_timeout = 150;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS inputs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL, line INTEGER NOT NULL, source TEXT NOT NULL);
`;

export class History {
  readonly #file: string | undefined;
  #store: Store | undefined;

  /** @param file made if it is missing, readable by the user alone; undefined: in memory */
  constructor(file?: string) {
    this.#file = file;
  }

  /** Never fails: a history that can't be written must not keep a cell from running. */
  add(line: number, source: string): void {
    try {
      const { insert, session } = this.#opened();
      insert.run(session, line, source);
    } catch {
      // The disk is full, or another kernel holds the file too long.
    }
  }

  /** Entries as Jupyter wants them: [session, line, input], or [session, line, [input, output]]. */
  answer(request: HistoryRequest): unknown[] {
    const entries = this.#select(request);
    return entries.map(({ session, line, source }) => [session, line, request.output ? [source, null] : source]);
  }

  close(): void {
    this.#store?.database.close();
    this.#store = undefined;
  }

  #select({ hist_access_type, session = 0, start = 0, stop, n, pattern = "*", unique }: HistoryRequest): Entry[] {
    const { database, session: own } = this.#opened();
    const all = (condition: string, ...values: (number | string)[]) =>
      database.prepare(`SELECT session, line, source FROM inputs ${condition}`).all(...values) as unknown as Entry[];
    if (hist_access_type === "range") {
      const entries = all(
        "WHERE session = ? AND line >= ? AND line < ? ORDER BY id",
        session > 0 ? session : own + session,
        start,
        stop ?? Number.MAX_SAFE_INTEGER,
      );
      // The protocol calls this session 0.
      return entries.map((entry) => ({ ...entry, session }));
    }
    const limit = n ?? -1;
    const condition = hist_access_type === "search" ? "WHERE source GLOB ?" : "";
    const group = hist_access_type === "search" && unique ? "GROUP BY source HAVING id = MAX(id)" : "";
    const values = condition === "" ? [limit] : [glob(pattern), limit];
    return all(`${condition} ${group} ORDER BY id DESC LIMIT ?`, ...values).reverse();
  }

  #opened(): Store {
    if (this.#store) return this.#store;
    try {
      this.#store = openStore(this.#file);
    } catch {
      // A read-only home, a file that is no database, or one that another program keeps for itself.
      this.#store = openStore(undefined);
    }
    return this.#store;
  }
}

interface Store {
  database: DatabaseSync;
  insert: StatementSync;
  session: number;
}

/** BRAID_HISTORY names another file; empty: none is kept. */
export function historyFile(): string | undefined {
  const named = process.env["BRAID_HISTORY"];
  if (named !== undefined) return named === "" ? undefined : named;
  const state = process.env["XDG_STATE_HOME"] || path.join(os.homedir(), ".local", "state");
  return path.join(state, "braid", "history.sqlite");
}

// Loaded when the first cell has been taken: not at the start, which someone waits for.
function openStore(file: string | undefined): Store {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  if (file !== undefined) {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.closeSync(fs.openSync(file, "a", 0o600));
  }
  const database = new DatabaseSync(file ?? ":memory:");
  try {
    database.exec(SCHEMA);
    const started = database.prepare("INSERT INTO sessions (started) VALUES (?)").run(new Date().toISOString());
    database.prepare("DELETE FROM inputs WHERE id <= (SELECT MAX(id) FROM inputs) - ?").run(KEPT_INPUTS);
    const insert = database.prepare("INSERT INTO inputs (session, line, source) VALUES (?, ?, ?)");
    return { database, insert, session: Number(started.lastInsertRowid) };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite knows Jupyter's * and ?, but takes [ for a set of characters. */
function glob(pattern: string): string {
  return pattern.replaceAll("[", "[[]");
}
