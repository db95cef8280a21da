// The arguments of `braid run`, and parameters of notebooks.

import { describe, expect, it } from "vitest";
import { CliError, UsageError } from "../../kernel/cli/errors.ts";
import { fromJson, type Notebook } from "../../kernel/cli/notebook.ts";
import { declaredVariables, inject, parseParameter } from "../../kernel/cli/parameters.ts";
import { commonFolder, progressLine } from "../../kernel/cli/run.ts";
import { parseRunArguments } from "../../kernel/cli/run-arguments.ts";

describe("parseRunArguments", () => {
  it("reads everything there is", () => {
    const given = parseRunArguments([
      "a.ipynb",
      "-p",
      "threads=4",
      "--html",
      "a.html",
      "--timeout",
      "1.5",
      "-p",
      "name=x y",
    ]);
    expect(given).toMatchObject({
      notebooks: ["a.ipynb"],
      html: "a.html",
      timeoutMs: 1500,
      record: false,
      kernel: "braid",
    });
    expect([...given.parameters]).toEqual([
      ["threads", 4],
      ["name", "x y"],
    ]);
  });

  it.each([
    [[], "run needs a notebook"],
    [["--nonsense", "a.ipynb"], "Unknown option '--nonsense'"],
    [["a.ipynb", "--out"], "'--out <value>' argument missing"],
    [["a.ipynb", "--timeout", "0"], "--timeout expects seconds above 0, got `0`"],
    [["a.ipynb", "--timeout", "soon"], "--timeout expects seconds above 0, got `soon`"],
    [["a.ipynb", "-p", "threads"], "-p expects name=value, got `threads`"],
    [["a.ipynb", "b.ipynb", "--out", "c.ipynb"], "--out takes the result of one notebook, and 2 are named"],
    [["a.ipynb", "b.ipynb", "--html", "c.html"], "--html takes the result of one notebook, and 2 are named"],
    [["a.ipynb", "--record", "-p", "a=1"], "--record runs a notebook as it stands"],
    [["a.ipynb", "--record", "--out", "c.ipynb"], "--record runs a notebook as it stands"],
  ])("says what is wrong with %j", (args, message) => {
    expect(() => parseRunArguments(args)).toThrow(message);
    expect(() => parseRunArguments(args)).toThrow(UsageError);
  });
});

describe("parameters", () => {
  it.each([
    ["threads=4", "threads", 4],
    ["quick=true", "quick", true],
    ["sizes=[1, 2]", "sizes", [1, 2]],
    ["name=abc", "name", "abc"],
    ['name="4"', "name", "4"],
    ["equation=a=b", "equation", "a=b"],
    ["empty=", "empty", ""],
  ])("reads %s", (text, name, value) => {
    expect(parseParameter(text)).toEqual([name, value]);
  });

  it.each(["=1", "1a=2", "a b=3", "a;b=4"])("refuses %s as a name", (text) => {
    expect(() => parseParameter(text)).toThrow(UsageError);
  });

  it("knows what a cell declares at its top level", () => {
    const declared = declaredVariables(
      "let threads: number = 2, size = 10;\nconst fixed = 1;\nif (true) { let inner }",
    );
    expect([...declared]).toEqual([
      ["threads", "let"],
      ["size", "let"],
      ["fixed", "const"],
    ]);
  });

  it("puts the assignments behind the tagged cell, in place of those of an earlier run", () => {
    const book = withParameters("let threads = 2\nlet name = ''");
    inject(book, new Map([["threads", 3]]), "a.ipynb");
    inject(
      book,
      new Map<string, unknown>([
        ["threads", 4],
        ["name", 'a"b'],
      ]),
      "a.ipynb",
    );
    expect(book.cells.map(({ source }) => source)).toEqual([
      "let threads = 2\nlet name = ''",
      'threads = 4;\nname = "a\\"b";',
      "threads * 2",
    ]);
    expect(book.cells[1]?.metadata).toEqual({ tags: ["injected-parameters"] });
  });

  it("names the parameters there are when one is unknown", () => {
    const book = withParameters("let threads = 2, size = 3; const fixed = 1");
    expect(() => inject(book, new Map([["thread", 4]]), "a.ipynb")).toThrow(
      "a.ipynb has no parameter thread; it declares: threads, size, fixed.",
    );
    expect(() => inject(book, new Map([["fixed", 4]]), "a.ipynb")).toThrow("fixed is a const in a.ipynb");
    book.cells.shift();
    expect(() => inject(book, new Map([["threads", 4]]), "a.ipynb")).toThrow('no cell tagged "parameters"');
    expect(() => inject(book, new Map([["threads", 4]]), "a.ipynb")).toThrow(CliError);
  });
});

function withParameters(source: string): Notebook {
  const code = { cell_type: "code", metadata: {}, outputs: [], execution_count: null };
  const cells = [
    { ...code, id: "a", source, metadata: { tags: ["parameters"] } },
    { ...code, id: "b", source: "threads * 2" },
  ];
  return fromJson({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }, "a.ipynb");
}

it("finds the folder above several notebooks", () => {
  expect(commonFolder(["/a/b", "/a/b/c"])).toBe("/a/b");
  expect(commonFolder(["/a/b", "/a/bc"])).toBe("/a");
  expect(commonFolder(["/a", "/b"])).toBe("/");
  expect(commonFolder(["/a/b"])).toBe("/a/b");
});

it("shortens the first line of a cell in its progress line", () => {
  const cell = { id: "a", cell_type: "code", metadata: {}, source: `${"x".repeat(80)}\nsecond` } as const;
  expect(progressLine(cell, 2, 14)).toBe(`[ 3/14] ${"x".repeat(55)}…`);
});
