// Each notebook in full, and with other numbers of threads: `npm run test:book`.

import path from "node:path";
import { describe, expect, it } from "vitest";
import { claims, execute, folder, names, tagged } from "../notebooks/execution.ts";

const WAYS = ["threads=1", "threads=4", "quick=false"];

describe.each(names)("%s", (name) => {
  it.each(WAYS)("does what it claims with %s", async (way) => {
    const { notebook } = await execute(path.join(folder, name), "-p", way);
    const injected = notebook.cells.find((cell) => tagged(cell, "injected-parameters"));
    expect(injected?.source).toBe(`${way.replace("=", " = ")};`);
    expect(claims(notebook).filter(({ holds }) => !holds)).toEqual([]);
  });
});
