// Each notebook, executed as a reader would from the shell, and its claims checked.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { readNotebook, type Notebook } from "../../kernel/cli/notebook.ts";
import { ROOT } from "../../kernel/cli/paths.ts";
import { findLeak, thisMachine } from "../../kernel/cli/record.ts";

const run = promisify(execFile);
const folder = path.join(ROOT, "notebooks");
const names = readdirSync(folder).filter((name) => name.endsWith(".ipynb"));

async function execute(name: string, ...args: string[]): Promise<{ notebook: Notebook; html: string; stdout: string }> {
  const out = path.join(mkdtempSync(path.join(tmpdir(), "braid-notebook-")), name);
  const html = out.replace(/ipynb$/, "html");
  const command = ["scripts/start.mjs", "run", path.join("notebooks", name), "--out", out, "--html", html, ...args];
  const { stdout } = await run(process.execPath, command, { cwd: ROOT });
  return { notebook: readNotebook(out), html: readFileSync(html, "utf8"), stdout };
}

/** What its cells claimed, as they keep it in their outputs. */
function claims({ cells }: Notebook): { claim: string; holds: boolean }[] {
  return cells.flatMap(({ outputs = [] }) =>
    outputs.flatMap((output) => {
      const metadata = "metadata" in output ? (output.metadata as { braid?: { claim: string; holds: boolean } }) : {};
      return metadata.braid ? [metadata.braid] : [];
    }),
  );
}

describe.each(names)("%s", (name) => {
  it("runs with its own parameters, says how each cell went, and claims what holds", async () => {
    const before = readFileSync(path.join(folder, name), "utf8");
    const { notebook, html, stdout } = await execute(name);
    const count = notebook.cells.filter(({ cell_type }) => cell_type === "code").length;
    expect(stdout.match(/^\[ *\d+\/\d+\] .* ms {2}ok$/gm)).toHaveLength(count);
    expect(claims(notebook).length).toBeGreaterThan(0);
    expect(claims(notebook).filter(({ holds }) => !holds)).toEqual([]);
    expect(html).toContain("application/vnd.plotly.v1+json");
    expect(readFileSync(path.join(folder, name), "utf8")).toBe(before);
  });

  it.each([1, 4])("does what it claims with %i threads", async (threads) => {
    const { notebook } = await execute(name, "-p", `threads=${threads}`);
    const injected = notebook.cells.find(({ metadata }) =>
      (metadata["tags"] as string[] | undefined)?.includes("injected-parameters"),
    );
    expect(injected?.source).toBe(`threads = ${threads};`);
    expect(claims(notebook).filter(({ holds }) => !holds)).toEqual([]);
  });

  it("is committed as it was recorded: every cell run, none failed, nothing of a machine in it", () => {
    const notebook = readNotebook(path.join(folder, name));
    const code = notebook.cells.filter(({ cell_type }) => cell_type === "code");
    expect(code.filter(({ execution_count }) => execution_count === null)).toEqual([]);
    expect(code.flatMap(({ outputs = [] }) => outputs.filter(({ output_type }) => output_type === "error"))).toEqual(
      [],
    );
    expect(findLeak(notebook, thisMachine(ROOT))).toBeUndefined();
    expect(code.length).toBeLessThanOrEqual(25);
    for (const { source } of code) expect(source.split("\n").length).toBeLessThanOrEqual(20);
  });
});
