// The recorder refuses what would tell whose machine a notebook ran on, and passes what only looks like it.

import { describe, expect, it } from "vitest";
import { fromJson } from "../../kernel/cli/notebook.ts";
import { findLeak, leakIn, normalise, type Machine } from "../../kernel/cli/record.ts";

const MACHINE: Machine = {
  host: "kestrel",
  user: "maria",
  folders: ["/home/maria", "/tmp"],
  hasTopFolder: (name) => ["home", "usr", "proc", "dev", "opt", "work"].includes(name),
};

describe("refuses", () => {
  it.each([
    ["running on kestrel with 2 cores", "the host name kestrel"],
    ["KESTREL.local", "the host name kestrel"],
    ["hello maria!", "the user name maria"],
    ["at /home/maria/x.ts:1", "the folder /home/maria"],
    ["(/opt/braid/dist/a.js:3:1)", "the path /opt/braid/dist/a.js"],
    ['"/opt/braid/lib"', "the path /opt/braid/lib"],
    ["file:///somewhere/a.js", "the path file:///somewhere/a.js"],
    ["C:\\Users\\someone\\a.ts", "the path C:\\Users\\someone\\a.ts"],
  ])("%s", (text, what) => {
    expect(leakIn(text, MACHINE)).toBe(what);
  });
});

describe("passes", () => {
  it.each([
    "sum of squares: 333833500",
    "marianne and kestrels",
    "2 / 3 /4",
    "/nowhere/at/all",
    "application/vnd.plotly.v1+json",
    "https://example.org/usr/share",
    "</usr/></proc/>",
    "./usr/lib and ../opt/x and a/usr/b",
    "/dev/null and /proc/cpuinfo",
    "M0,0/opt",
  ])("%s", (text) => {
    expect(leakIn(text, MACHINE)).toBeUndefined();
  });

  it("a generic user name as a word, though not as an account", () => {
    const machine = { ...MACHINE, user: "root" };
    expect(leakIn("the square root of 2", machine)).toBeUndefined();
    expect(leakIn("root@build", machine)).toBe("the user name root");
  });
});

it("looks at every string of every output but not at binary data", () => {
  const data = { "text/plain": "fine", "image/png": "/usr/lib/abc" };
  const display = { output_type: "display_data", data, metadata: {} };
  const plot = { "application/vnd.plotly.v1+json": { data: [{ name: "on kestrel" }] } };
  const cell = { cell_type: "code", metadata: {}, source: "", execution_count: 1 };
  const book = (outputs: unknown[]) =>
    fromJson(
      {
        cells: [
          { ...cell, outputs: [] },
          { ...cell, outputs },
        ],
        metadata: {},
        nbformat: 4,
      },
      "a.ipynb",
    );
  expect(findLeak(book([display]), MACHINE)).toBeUndefined();
  expect(findLeak(book([display, { ...display, data: plot }]), MACHINE)).toEqual({
    cell: 2,
    what: "the host name kestrel",
  });
  expect(
    findLeak(book([{ output_type: "error", ename: "E", evalue: "", traceback: ["at /home/maria/a"] }]), MACHINE)?.cell,
  ).toBe(2);
});

it("leaves out what changes from run to run", () => {
  const metadata = { tags: ["parameters"], execution: { "shell.execute_reply": "now" }, scrolled: true };
  const cell = { cell_type: "code", id: "a", metadata, source: "1", outputs: [], execution_count: 1 };
  const book = fromJson({ cells: [cell], metadata: { signature: "x" }, nbformat: 4 }, "a.ipynb");
  normalise(book);
  expect(book.cells[0]?.metadata).toEqual({ tags: ["parameters"] });
  expect(book.metadata).toEqual({});
});
