// Errors as they stand in the notebook: places in compiled code led back to the cell, the guilty line shown with a
// caret under it, in colours that Jupyter understands.

import type { CompiledCell } from "../language/compile.ts";
import type { Problem } from "../language/problems.ts";
import type { CellError } from "../link/messages.ts";

const RED = "\x1b[31m";
const DIM = "\x1b[2m";
const PLAIN = "\x1b[0m";
const CONTEXT_LINES = 2;

interface KnownCell {
  source: string;
  locate: CompiledCell["locate"] | undefined;
}

/** The cells that have run, by the name that they have in stack traces. */
export class CellSources {
  readonly #cells = new Map<string, KnownCell>();

  add(file: string, source: string, cell: CompiledCell | undefined): void {
    this.#cells.set(file, { source, locate: cell?.locate });
  }

  /** Syntax and type errors: the cell did not run. */
  problems(file: string, kind: string, problems: Problem[]): CellError {
    const summary = ({ line, column, code, message }: Problem) =>
      `${file}:${line}:${column} - ${code === "" ? "" : `${code}: `}${message}`;
    const traceback = problems.flatMap((problem, index) => [
      ...(index > 0 ? [""] : []),
      ...`${RED}${kind}${PLAIN} ${summary(problem)}`.split("\n"),
      ...this.#excerpt(file, problem.line, problem.column),
    ]);
    return { status: "error", ename: kind, evalue: problems.map(summary).join("\n"), traceback };
  }

  /** A run-time error, its places led back to what the user wrote. */
  located(error: CellError): CellError {
    let excerpt: string[] | undefined;
    const locate = (text: string) =>
      text.replace(/\b(cell-\d+\.ts):(\d+):(\d+)/g, (whole, file: string, line: string, column: string) => {
        const place = this.#cells.get(file)?.locate?.(Number(line), Number(column));
        if (!place) return whole;
        excerpt ??= this.#excerpt(file, place.line, place.column);
        return `${file}:${place.line}:${place.column}`;
      });
    const lines = error.traceback.map(locate);
    const [first = "", ...rest] = lines;
    const title = first.startsWith(error.ename)
      ? `${RED}${error.ename}${PLAIN}${first.slice(error.ename.length)}`
      : first;
    return { ...error, evalue: locate(error.evalue), traceback: [title, ...rest, ...(excerpt ?? [])] };
  }

  #excerpt(file: string, line: number, column: number): string[] {
    const lines = this.#cells.get(file)?.source.split("\n");
    if (lines?.[line - 1] === undefined) return [];
    const from = Math.max(1, line - CONTEXT_LINES);
    const width = String(line).length;
    const numbered = lines.slice(from - 1, line).map((text, index) => {
      const number = String(from + index).padStart(width);
      return from + index === line ? `${RED}>${PLAIN} ${number} | ${text}` : `${DIM}  ${number} | ${text}${PLAIN}`;
    });
    return [...numbered, `  ${" ".repeat(width)} | ${" ".repeat(column - 1)}${RED}^${PLAIN}`];
  }
}
