// The programs that notebooks run beside ours give what we compute ourselves.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { peers, type PeerName } from "../../lib/index.ts";

const file = (name: string): URL => new URL(`../../notebooks/peers/${name}`, import.meta.url);
const LANGUAGES: Record<string, PeerName> = { py: "python", rs: "rust", go: "go" };

/** The program's value; where its language is missing the test is skipped, which `skip` does by throwing. */
async function valueOf<T>(skip: (note: string) => never, name: string, ...args: (string | number)[]): Promise<T> {
  const language = LANGUAGES[name.slice(name.lastIndexOf(".") + 1)]!;
  const result = await peers[language](file(name), { args: args.map(String) });
  if (!result.installed) return skip(result.message);
  expect(result).toMatchObject({ ok: true, stderr: "" });
  expect(result.message).toBeUndefined();
  return result.value as T;
}

function sumOfSquares(n: number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += (i * i) % 1_000_003;
  return total;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

interface Executed {
  results: number[];
  ms: number;
  gil: boolean;
  tasks: { task: number; worker: number; startMs: number; endMs: number }[];
}

describe.each(["threads", "processes"])("executors.py, %s", (kind) => {
  it("sleeps together", async ({ skip }) => {
    const { results, tasks, ms } = await valueOf<Executed>(skip, "executors.py", kind, "sleep", 300, 4);
    expect(results).toEqual([0, 2, 4, 6]);
    expect(tasks.map(({ task }) => task)).toEqual([0, 1, 2, 3]);
    for (const { startMs, endMs } of tasks) expect(endMs).toBeGreaterThan(startMs);
    expect(ms).toBeGreaterThan(0);
  });

  it("adds up as we do", async ({ skip }) => {
    const { results, tasks } = await valueOf<Executed>(skip, "executors.py", kind, "sum", 30_000, 2, 5);
    expect(results).toEqual(range(5).map(() => sumOfSquares(30_000)));
    expect(new Set(tasks.map(({ worker }) => worker)).size).toBeLessThanOrEqual(2);
  });
});

interface Cost {
  us: number[];
  bytes: number | null;
  sum: number;
}

it.for([
  ["start-cost.py", ["thread", "fork", "spawn"]],
  ["start-cost.rs", ["thread"]],
  ["start-cost.go", ["goroutine"]],
] as const)("%s hears from each that it starts", async ([name, kinds], { skip }) => {
  const costs = await valueOf<Record<string, Cost>>(skip, name, 4);
  expect(Object.keys(costs)).toEqual(kinds);
  for (const { us, bytes, sum } of Object.values(costs)) {
    expect(sum).toBe(0 + 1 + 2 + 3);
    expect(us).toHaveLength(4);
    expect(us.every((one) => one > 0)).toBe(true);
    if (process.platform === "linux") expect(bytes).toBeGreaterThanOrEqual(0);
  }
});

interface Way {
  ms: number[];
  sum: number;
}

/** The squares of 0, 1, …, added up in so many pieces: those of the programs begin where ours do. */
function squaresIn(pieces: number, n: number): number {
  const part = (from: number, to: number): number => range(to - from).reduce((sum, i) => sum + (from + i) ** 2, 0);
  return range(pieces).reduce(
    (sum, k) => sum + part(Math.floor((n * k) / pieces), Math.floor((n * (k + 1)) / pieces)),
    0,
  );
}

it.for([
  ["million.py", ["loop", "numpy"]],
  ["million.rs", ["one", "threads"]],
  ["million.go", ["one", "threads"]],
] as const)("%s adds up squares as we do, in one piece and in several", async ([name, [one, several]], { skip }) => {
  const n = 300_000;
  const value = await valueOf<Record<string, Way | undefined>>(skip, name, n, 3, 2);
  expect(value[one]).toEqual({ ms: range(3).map(() => expect.any(Number) as number), sum: squaresIn(1, n) });
  const parts = value[several];
  if (parts === undefined) return; // NumPy isn't there
  expect(parts.ms).toHaveLength(3);
  if (several === "threads") expect(parts.sum).toBe(squaresIn(2, n));
  else expect(parts.sum / squaresIn(1, n)).toBeCloseTo(1, 12);
});

it("rayon.rs adds up squares, and does four tasks in order", async ({ skip }) => {
  const args = ["100000", "3", "2", "30000"];
  const result = await peers.rust(file("rayon.rs"), { args, crates: { rayon: "1" } });
  if (!result.installed) return skip(result.message);
  expect(result).toMatchObject({ ok: true, stderr: "" });
  const { rayon, tasks } = result.value as { rayon: Way; tasks: { ms: number; results: number[] } };
  expect(rayon.ms).toHaveLength(3);
  expect(rayon.sum / squaresIn(1, 100_000)).toBeCloseTo(1, 12);
  expect(tasks.results).toEqual(range(4).map(() => sumOfSquares(30_000)));
});

it("fork.py: the child has a copy of the variable, and its change is its own", async ({ skip }) => {
  interface Forked {
    parent: { pid: number; forkGave: number; variable: number };
    child: { pid: number; ppid: number; forkGave: number; found: number; left: number };
  }
  const { parent, child } = await valueOf<Forked>(skip, "fork.py", 41);
  expect(child).toEqual({ pid: parent.forkGave, ppid: parent.pid, forkGave: 0, found: 41, left: 42 });
  expect(parent.variable).toBe(41);
  expect(parent.pid).not.toBe(child.pid);
});

it("pickle-lambda.py: a lambda is refused, a function of a module is not", async ({ skip }) => {
  const pickled = await valueOf(skip, "pickle-lambda.py", 5);
  expect(pickled).toEqual({
    error: { class: "PicklingError", message: expect.stringContaining("<lambda>") as string },
    results: range(5).map((x) => x * 2),
  });
});

it("array-to-process.py: a copy and shared memory give the same numbers", async ({ skip }) => {
  const count = 2 ** 20 / 8;
  const sum = range(count / 512).reduce((total, page) => total + 2 * ((page * 512) % 1000), 0);
  const way = { ms: [expect.any(Number) as number, expect.any(Number) as number], sum };
  const value = await valueOf(skip, "array-to-process.py", 1, 2);
  expect(value).toEqual({ megabytes: 1, count, copy: way, shared: way });
});

it.for(["lines.py", "lines.rs", "lines.go"])("%s answers the protocol as we do", async (name, { skip }) => {
  const language = LANGUAGES[name.split(".")[1]!]!;
  const asked = [0, 1, 2, 1000, 20_000];
  const lines = asked.map((n, i) => `job-${i} ${n}`);
  const answers = asked.map((n, i) => `job-${i} ${sumOfSquares(n)}`);
  {
    await using worker = await peers.start(language, file(name));
    if (!worker.installed) return skip(worker.message);
    expect(await Promise.all(lines.map((line) => worker.ask(line)))).toEqual(answers);
  }
  const result = await peers[language](file(name), { input: lines.map((line) => `${line}\n`).join("") });
  expect(result).toMatchObject({ ok: true, value: { language, answered: asked.length } });
  expect((result as { stdout: string }).stdout.split("\n").slice(0, -2)).toEqual(answers);
});

it("gil-cases.py computes the same in turn and at once", async ({ skip }) => {
  const cases = await valueOf<{ name: string; serialMs: number; parallelMs: number; same: boolean }[]>(
    ...([skip, "gil-cases.py", 1000] as const),
  );
  expect(cases.map(({ name }) => name)).toEqual(["sleep", "hash, C code", "loop, threads", "loop, processes"]);
  expect(cases.every(({ same }) => same)).toBe(true);
});

it("deadlock.go is noticed by Go's runtime, and race.go loses increments or not", async ({ skip }) => {
  const stuck = await peers.go(file("deadlock.go"));
  if (!stuck.installed) return skip(stuck.message);
  expect(stuck).toMatchObject({ ok: false, stderr: expect.stringContaining("all goroutines are asleep - deadlock!") });
  const { count, due } = await valueOf<{ count: number; due: number }>(skip, "race.go", 4, 1000);
  expect(due).toBe(4000);
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThanOrEqual(due);
});

it("ten-pages.py fetches ten pages at once", async ({ skip }) => {
  const page = "<p>ä page</p>".repeat(1000);
  let together = 0;
  const all = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    if (++together === 10) all.resolve();
    void all.promise.then(() => response.end(page)); // answered when all ten have come
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/page?of=10`;
    const { pages, bytes, spans } = await valueOf<{ pages: number; bytes: number; spans: { page: number }[] }>(
      ...([skip, "ten-pages.py", url, 10] as const),
    );
    expect({ pages, bytes }).toEqual({ pages: 10, bytes: 10 * Buffer.byteLength(page) });
    expect(spans.map((span) => span.page)).toEqual(range(10));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it.for([
  ["words.py", ["20", "5"]],
  ["words.rs", ["20"]],
] as const)("%s: four words, in order", async ([name, args], { skip }) => {
  type Heard = { words: { text: string; ms: number }[]; empty?: number };
  const { words, empty = 0 } = await valueOf<Heard>(skip, name, ...args);
  expect(words.map(({ text }) => text)).toEqual(["hello", "from", "the", "thread"]);
  expect(words.map(({ ms }) => ms)).toEqual(words.map(({ ms }) => ms).toSorted((a, b) => a - b));
  expect(empty).toBeGreaterThanOrEqual(0);
});

it.for(["threads", "processes"])("transfer.py: numbers to %s arrive", async (kind, { skip }) => {
  const { ms, sum } = await valueOf<Way>(skip, "transfer.py", kind, 3000, 2);
  expect(ms).toHaveLength(2);
  expect(sum).toBe((3000 * 2999) / 2);
});

it("transfer.go: numbers through a channel arrive", async ({ skip }) => {
  const { ms, sum } = await valueOf<Way>(skip, "transfer.go", 3000, 2);
  expect(ms).toHaveLength(2);
  expect(sum).toBe((3000 * 2999) / 2);
});

it("transfer.rs: numbers through a channel and through a lock arrive", async ({ skip }) => {
  for (const way of Object.values(await valueOf<Record<string, Way>>(skip, "transfer.rs", 3000, 2)))
    expect(way).toEqual({ ms: [expect.any(Number), expect.any(Number)], sum: (3000 * 2999) / 2 });
});

it("transfer-crossbeam.rs: numbers arrive", async ({ skip }) => {
  const crates = { "crossbeam-channel": "0.5" };
  const result = await peers.rust(file("transfer-crossbeam.rs"), { args: ["3000", "2"], crates });
  if (!result.installed) return skip(result.message);
  expect(result).toMatchObject({ ok: true, stderr: "", value: { sum: (3000 * 2999) / 2 } });
});
