// Each notebook, executed as a reader would from the shell, and its claims checked.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readNotebook, toText, type Cell, type Notebook } from "../../kernel/cli/notebook.ts";
import { ROOT } from "../../kernel/cli/paths.ts";
import { findLeak, thisMachine } from "../../kernel/cli/record.ts";
import { claims, execute, folder, names, said, tagged } from "./execution.ts";

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
