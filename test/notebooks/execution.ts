// A notebook, executed as a reader would from the shell, and what its cells said of themselves.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { readNotebook, type Cell, type Notebook } from "../../kernel/cli/notebook.ts";
import { ROOT } from "../../kernel/cli/paths.ts";

const run = promisify(execFile);
export const folder = path.join(ROOT, "notebooks");
/** The notebooks of the workbook. */
export const names = readdirSync(folder).filter((name) => name.endsWith(".ipynb"));

export async function execute(
  file: string,
  ...args: string[]
): Promise<{ notebook: Notebook; html: string; stdout: string }> {
  const name = path.basename(file);
  const out = path.join(mkdtempSync(path.join(tmpdir(), "braid-notebook-")), name);
  const html = out.replace(/ipynb$/, "html");
  const command = ["scripts/start.mjs", "run", file, "--out", out, "--html", html, ...args];
  const { stdout } = await run(process.execPath, command, { cwd: ROOT });
  return { notebook: readNotebook(out), html: readFileSync(html, "utf8"), stdout };
}

/** What its cells said of themselves in their outputs' metadata. */
export function said<T>({ cells }: Notebook, key: string): T[] {
  return cells.flatMap(({ outputs = [] }) =>
    outputs.flatMap((output) => {
      const { braid } = ("metadata" in output ? output.metadata : {}) as { braid?: object };
      return braid && key in braid ? [braid as T] : [];
    }),
  );
}

export const claims = (notebook: Notebook): { claim: string; holds: boolean }[] => said(notebook, "claim");

export const tagged = (cell: Cell, tag: string): boolean =>
  ((cell.metadata["tags"] as string[] | undefined) ?? []).includes(tag);
