// What is run in each kernel: the same work in its language.

export interface Cells {
  /** Leaves nothing behind; its result is 2. */
  simple: string;
  /** Declares names and uses those of the cell before. */
  declare(index: number): string;
  lines(count: number): string;
  /** Shows 5 MB of HTML. */
  show?: string;
  /** A text to complete at its end, and one that must be among the matches. */
  complete: [text: string, match: string];
  /** Keeps the kernel busy for about so long (ms). */
  busy(ms: number): string;
  spin: string;
}

const typescript: Cells = {
  simple: "1+1",
  declare: (i) =>
    `interface I${i} { id: number; name: string }\nconst v${i}: I${i} = { id: ${i}, name: "n${i}" };\n` +
    `function f${i}(x: I${i}): number { return x.id + ${i > 1 ? `v${i - 1}.id` : "0"} }`,
  lines: (n) => `for (let i = 0; i < ${n}; i++) console.log("line " + i)`,
  complete: ["const abc = [1, 2, 3]; abc.ma", "map"],
  busy: (ms) => `{ const end = Date.now() + ${ms}; while (Date.now() < end) {} }`,
  spin: "while (true) {}",
};

export const CELLS: Record<string, Cells> = {
  braid: { ...typescript, show: `import { html } from "braid/notebook"; html("x".repeat(5_000_000)); undefined` },
  tslab: { ...typescript, show: `import { display } from "tslab"; display.html("x".repeat(5_000_000))` },
  deno: {
    ...typescript,
    show: `({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "x".repeat(5_000_000) }) })`,
  },
  python3: {
    simple: "1+1",
    declare: (i) =>
      `class I${i}:\n  def __init__(s, id: int, name: str): s.id = id; s.name = name\n` +
      `v${i} = I${i}(${i}, "n${i}")\ndef f${i}(x: I${i}) -> int: return x.id + ${i > 1 ? `v${i - 1}.id` : "0"}`,
    lines: (n) => `for i in range(${n}): print("line", i)`,
    show: `from IPython.display import HTML, display; display(HTML("x" * 5_000_000))`,
    complete: ["abc = [1, 2, 3]\nabc.app", "append"],
    busy: (ms) => `import time\nend = time.time() + ${ms / 1000}\nwhile time.time() < end: pass`,
    spin: "while True: pass",
  },
};
