// Notebook files: what is refused, and that what is written is what Jupyter would write.

import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { checkWritable, codeCells, fromJson, readNotebook, toText, writeWhole } from "../../kernel/cli/notebook.ts";
import { OutputCollector } from "../../kernel/cli/outputs.ts";
import type { Output } from "../../kernel/cli/notebook.ts";

const folder = mkdtempSync(join(tmpdir(), "braid-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const EMPTY = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };

it.each([
  ["broken.ipynb", "{", "is not a notebook: it is not JSON"],
  ["array.ipynb", [], "is not a notebook that can be run: it has no cells"],
  ["null.ipynb", "null", "is not a notebook that can be run: it has no cells"],
  ["old.ipynb", { worksheets: [], nbformat: 3 }, "it is in the old format 3; save it once in JupyterLab"],
  ["new.ipynb", { ...EMPTY, nbformat: 5 }, "is in the notebook format 5, and only 4 is known here"],
  ["cell.ipynb", { ...EMPTY, cells: [{}] }, "its cell 1 has no known cell_type"],
  [
    "python.ipynb",
    { ...EMPTY, metadata: { kernelspec: { name: "python3" } } },
    'is written for the kernel "python3", not for "braid"',
  ],
])("refuses %s in one sentence", (name, content, message) => {
  expect(() => readNotebook(file(name, content))).toThrow(message);
});

it("says that a notebook is not there", () => {
  expect(() => readNotebook(join(folder, "none.ipynb"))).toThrow(/^there is no notebook .*none\.ipynb\.$/);
});

it("takes notebooks of tslab and of no kernel at all", () => {
  for (const metadata of [{}, { kernelspec: { name: "tslab" } }, { kernelspec: { name: "braid" } }]) {
    expect(readNotebook(file("ok.ipynb", { ...EMPTY, metadata })).cells).toEqual([]);
  }
});

it("writes what Jupyter writes: sorted keys, lines apart, an id for every cell", () => {
  const source = ["a\n", "b"];
  const output = {
    output_type: "display_data",
    metadata: {},
    data: { "text/plain": ["1\n", "2"], "image/png": "iVBO" },
  };
  const cell = { cell_type: "code", metadata: {}, source, outputs: [output], execution_count: 1 };
  const text = toText(
    fromJson({ ...EMPTY, nbformat_minor: 4, cells: [cell, { ...cell, id: "x" }, { ...cell, id: "x" }] }, "a"),
  );
  const { cells, nbformat_minor } = JSON.parse(text) as typeof EMPTY & { cells: { id: string }[] };
  expect(nbformat_minor).toBe(5);
  expect(cells[0]).toMatchObject({ source, outputs: [output], execution_count: 1 });
  expect(new Set(cells.map(({ id }) => id)).size).toBe(3);
  expect(Object.keys(JSON.parse(text) as object)).toEqual(["cells", "metadata", "nbformat", "nbformat_minor"]);
  expect(text).toMatch(/^\{\n "cells": \[\n {2}\{\n {3}"cell_type": "code",\n {3}"execution_count": 1,/);
  expect(codeCells(fromJson(JSON.parse(text), "a"))[0]?.source).toBe("a\nb");
});

it("writes through a link and leaves nothing else behind", () => {
  const target = file("target.txt", "old");
  symlinkSync(target, join(folder, "link.txt"));
  writeWhole(join(folder, "link.txt"), "new");
  expect(readFileSync(target, "utf8")).toBe("new");
  expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

it("says beforehand why a file can't be written", () => {
  expect(() => checkWritable(join(folder, "no", "x.html"))).toThrow(/can't be written: there is no folder/);
  expect(() => checkWritable(folder)).toThrow(/can't be written: it is a folder/);
  expect(() => checkWritable(join(folder, "fresh.html"))).not.toThrow();
});

it("collects outputs as a front end does", () => {
  const collector = new OutputCollector();
  const [first, second]: [Output[], Output[]] = [[], []];
  const one = collector.cell(first);
  const two = collector.cell(second);
  const shown = (text: string) => ({ data: { "text/plain": text }, metadata: {}, transient: { display_id: "d" } });
  one({ type: "stream", content: { name: "stdout", text: "a" } });
  one({ type: "stream", content: { name: "stdout", text: "b" } });
  one({ type: "stream", content: { name: "stderr", text: "c" } });
  one({ type: "display_data", content: shown("1") });
  two({ type: "update_display_data", content: shown("2") });
  one({ type: "execute_result", content: { data: { "text/plain": "3" }, metadata: {}, execution_count: 7 } });
  one({ type: "status", content: { execution_state: "idle" } });
  expect(first).toEqual([
    { output_type: "stream", name: "stdout", text: "ab" },
    { output_type: "stream", name: "stderr", text: "c" },
    { output_type: "display_data", data: { "text/plain": "2" }, metadata: {} },
    { output_type: "execute_result", data: { "text/plain": "3" }, metadata: {}, execution_count: 7 },
  ]);
  one({ type: "clear_output", content: { wait: true } });
  expect(first).toHaveLength(4);
  one({ type: "error", content: { ename: "Error", evalue: "no", traceback: ["t"] } });
  expect(first).toEqual([{ output_type: "error", ename: "Error", evalue: "no", traceback: ["t"] }]);
  one({ type: "clear_output", content: { wait: false } });
  expect(first).toEqual([]);
  expect(second).toEqual([]);
});
