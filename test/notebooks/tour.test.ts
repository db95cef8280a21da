// Each notebook, executed as a reader would from the shell, and its claims checked.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { readNotebook, toText, type Cell, type Notebook } from "../../kernel/cli/notebook.ts";
import { ROOT } from "../../kernel/cli/paths.ts";
import { findLeak, thisMachine } from "../../kernel/cli/record.ts";

const run = promisify(execFile);
const folder = path.join(ROOT, "notebooks");
const names = readdirSync(folder).filter((name) => name.endsWith(".ipynb"));

async function execute(file: string, ...args: string[]): Promise<{ notebook: Notebook; html: string; stdout: string }> {
  const name = path.basename(file);
  const out = path.join(mkdtempSync(path.join(tmpdir(), "braid-notebook-")), name);
  const html = out.replace(/ipynb$/, "html");
  const command = ["scripts/start.mjs", "run", file, "--out", out, "--html", html, ...args];
  const { stdout } = await run(process.execPath, command, { cwd: ROOT });
  return { notebook: readNotebook(out), html: readFileSync(html, "utf8"), stdout };
}

/** What its cells said of themselves in their outputs' metadata. */
function said<T>({ cells }: Notebook, key: string): T[] {
  return cells.flatMap(({ outputs = [] }) =>
    outputs.flatMap((output) => {
      const { braid } = ("metadata" in output ? output.metadata : {}) as { braid?: object };
      return braid && key in braid ? [braid as T] : [];
    }),
  );
}

const claims = (notebook: Notebook): { claim: string; holds: boolean }[] => said(notebook, "claim");

const tagged = (cell: Cell, tag: string): boolean =>
  ((cell.metadata["tags"] as string[] | undefined) ?? []).includes(tag);

/** The exercises that a notebook makes, by id. */
function exercisesOf({ cells }: Notebook): string[] {
  return cells.flatMap(({ source }) => [...source.matchAll(/exercise\("(\d\d-\d+)", \{/g)].map(([, id]) => id!));
}

describe.each(names)("%s", (name) => {
  it("runs with its own parameters, says how each cell went, and claims what holds", async () => {
    const before = readFileSync(path.join(folder, name), "utf8");
    const { notebook, html, stdout } = await execute(path.join(folder, name));
    const count = notebook.cells.filter(({ cell_type }) => cell_type === "code").length;
    expect(stdout.match(/^\[ *\d+\/\d+\] .* ms {2}ok$/gm)).toHaveLength(count);
    expect(claims(notebook).length).toBeGreaterThan(0);
    expect(claims(notebook).filter(({ holds }) => !holds)).toEqual([]);
    expect(html).toContain("application/vnd.plotly.v1+json");
    expect(readFileSync(path.join(folder, name), "utf8")).toBe(before);
  });

  it.each([1, 4])("does what it claims with %i threads", async (threads) => {
    const { notebook } = await execute(path.join(folder, name), "-p", `threads=${threads}`);
    const injected = notebook.cells.find((cell) => tagged(cell, "injected-parameters"));
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

// The cells of an exercise stand by themselves, behind the parameters: a notebook of just them is run.
const withExercises = names.filter((name) => exercisesOf(readNotebook(path.join(folder, name))).length > 0);

it.each(withExercises)("%s: the stub of each exercise fails, its solution passes", async (name) => {
  const { cells, ...rest } = readNotebook(path.join(folder, name));
  const kept = cells.filter((cell) => tagged(cell, "parameters") || tagged(cell, "exercise"));
  const ids = exercisesOf({ ...rest, cells: kept });
  expect(ids).toEqual(exercisesOf({ ...rest, cells }));
  const solved = ids.map((id): Cell => ({
    ...kept.at(-1)!,
    id: `solved-${id}`,
    source: `await exercise("${id}").check((await import("./solutions/${id}.ts")).default);`,
  }));
  const place = mkdtempSync(path.join(ROOT, "notebooks", ".exercises-"));
  try {
    cpSync(path.join(folder, "solutions"), path.join(place, "solutions"), { recursive: true });
    writeFileSync(path.join(place, name), toText({ ...rest, cells: [...kept, ...solved] }));
    const { notebook } = await execute(path.join(place, name));
    const outcomes = said<{ exercise: string; solved: boolean }>(notebook, "exercise");
    for (const id of ids) {
      expect(outcomes.filter(({ exercise }) => exercise === id).map((one) => one.solved)).toEqual([false, true]);
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});
