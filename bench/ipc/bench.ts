// The ways between processes side by side: `node --conditions=braid-source bench/ipc/bench.ts`, or `npm run bench ipc`.
// Latency is the round trip of 64 bytes, bandwidth that of 100 messages of 1 MB with one answer for all; and the call of a
// function by ProcessPool beside what Node's bare messages take for it. Each way has one process at its other end. Each
// round measures every way, one after the other, in changing order; the table shows the median of the rounds and where the
// middle half of them lies. What comes back is compared with what must.
//
//   --rounds 5        how often                       --only latency,bandwidth,call   some of the suites
//   --json file       every figure of every round

import fs from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { LARGE, LARGE_COUNT, SMALL, Tally } from "./echo.ts";
import { CALLERS, WAYS, type OpenCaller, type OpenWay } from "./ways.ts";

const TRIPS = 1000;
const WARM_TRIPS = 300;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "latency,bandwidth,call" },
    json: { type: "string" },
  },
});

interface Suite<Open extends OpenWay | OpenCaller> {
  unit: string;
  baseline: string;
  contenders: Record<string, () => Open | Promise<Open>>;
  measure(open: Open): Promise<number>;
}

const large = Array.from({ length: LARGE_COUNT }, (_, i) => new Uint8Array(LARGE).fill(i));
const expected = (() => {
  const tally = new Tally();
  return large.map((bytes) => tally.add(bytes)).at(-1)!;
})();

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

async function median(trip: (i: number) => Promise<void>): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < WARM_TRIPS + TRIPS; i++) {
    const start = performance.now();
    await trip(i);
    if (i >= WARM_TRIPS) took.push((performance.now() - start) * 1000);
  }
  return quantile(took, 0.5);
}

const latency: Suite<OpenWay> = {
  unit: "round trip of 64 bytes, µs",
  baseline: "process messages, advanced, bare",
  contenders: WAYS,
  measure: (way) =>
    median(async (i) => {
      const message = new Uint8Array(SMALL).fill(i);
      const back = await way.ask([message]);
      if (Buffer.compare(back, message) !== 0) throw new Error("other bytes came back");
    }),
};

const bandwidth: Suite<OpenWay> = {
  unit: "1 MB × 100, MB/s",
  baseline: "process messages, advanced, bare",
  contenders: WAYS,
  async measure(way) {
    const send = async (): Promise<void> => {
      const [sum] = new Uint32Array(new Uint8Array(await way.ask(large)).buffer);
      if (sum !== expected) throw new Error("not all bytes came");
    };
    await send();
    const start = performance.now();
    await send();
    return (LARGE * LARGE_COUNT) / 1e6 / ((performance.now() - start) / 1000);
  },
};

const call: Suite<OpenCaller> = {
  unit: "call of a function, µs",
  baseline: "child_process.send, bare",
  contenders: CALLERS,
  measure: (caller) =>
    median(async (i) => {
      if ((await caller.call(i, 2)) !== i + 2) throw new Error("a wrong sum");
    }),
};

const SUITES: Record<string, Suite<OpenWay & OpenCaller>> = { latency, bandwidth, call } as never;
const suites = Object.entries(SUITES).filter(([name]) => options.only.split(",").includes(name));
/** By suite and contender: the figure of each round. */
const rounds: Record<string, Record<string, number[]>> = {};
const failures: Record<string, string> = {};

for (let round = 0; round < Number(options.rounds); round++) {
  for (const [suite, { contenders, measure }] of suites) {
    const names = Object.keys(contenders);
    const begin = (round * 3) % names.length;
    const rotated = [...names.slice(begin), ...names.slice(0, begin)];
    for (const name of round % 2 === 0 ? rotated : rotated.toReversed()) {
      process.stderr.write(`round ${round + 1}, ${suite}: ${name}\n`);
      const open = await contenders[name]!();
      try {
        ((rounds[suite] ??= {})[name] ??= []).push(await measure(open));
      } catch (error) {
        failures[`${suite}, ${name}`] = (error as Error).message;
      }
      await open.close();
    }
  }
}

const show = (value: number): string => String(Number(value.toPrecision(3)));

console.log(`Node ${process.version.slice(1)}, ${os.availableParallelism()} cores (${os.cpus()[0]?.model ?? "?"}).`);
for (const [suite, { unit, baseline, contenders }] of suites) {
  const base = quantile(rounds[suite]?.[baseline] ?? [], 0.5);
  const lines = [`| ${unit} | median | middle half | ratio to ${baseline} |`, "| --- | ---: | ---: | ---: |"];
  for (const name of Object.keys(contenders)) {
    const values = rounds[suite]?.[name] ?? [];
    const failure = failures[`${suite}, ${name}`];
    const middle = quantile(values, 0.5);
    const half = `${show(quantile(values, 0.25))} – ${show(quantile(values, 0.75))}`;
    const cells = values.length === 0 ? ["", "", ""] : [show(middle), half, show(middle / base)];
    lines.push(`| ${name}${failure ? ` (failed: ${failure})` : ""} | ${cells.join(" | ")} |`);
  }
  console.log(`\n### ${suite}\n\n${lines.join("\n")}`);
}
if (options.json) {
  const all = { node: process.version, rounds, failures };
  fs.writeFileSync(options.json, JSON.stringify(all, undefined, 2) + "\n");
}
