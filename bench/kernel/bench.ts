// Kernels side by side: `node bench/kernel/bench.ts --kernel braid --kernel python3 …`. Each round starts every kernel
// anew, one after the other, in changing order; the table shows the median of the rounds. Braid is taken as it
// is built (`npm run build`), others from the kernelspecs that Jupyter finds (JUPYTER_PATH, .venv, the user's).
//
//   --rounds 3        how often                       --cells 300    how many cells that declare
//   --json file       every figure of every round     --only start,warm,…   some of the suites

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { descendants } from "../../kernel/front/process-tree.ts";
import { type Cells, CELLS } from "./cells.ts";
import { KernelProcess, type KernelSpec } from "./client.ts";
import { sourceKernel } from "./source-kernel.ts";

/** Names of measures to figures; ms unless the name says otherwise. */
type Figures = Record<string, number>;
type Suite = (spec: KernelSpec, cells: Cells, size: { cells: number }) => Promise<Figures>;

const median = (values: number[]) => quantile(values, 0.5);

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/** Resident memory of the kernel with all its processes, in MB; what they share is counted once. */
function memoryMb(pid: number): number {
  let kb = 0;
  for (const one of [pid, ...descendants(pid)]) {
    try {
      kb += Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${one}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // gone, or no such file on this system
    }
  }
  return kb / 1024;
}

async function withKernel<R>(spec: KernelSpec, use: (kernel: KernelProcess) => Promise<R>): Promise<R> {
  const kernel = await KernelProcess.start(spec);
  try {
    return await use(kernel);
  } finally {
    await kernel.stop();
  }
}

const SUITES: Record<string, Suite> = {
  async start(spec, cells) {
    return withKernel(spec, async (kernel) => {
      const first = await kernel.client.execute(cells.simple);
      return { "start to kernel_info": kernel.startMs, "start to first result": kernel.startMs + first.idleMs };
    });
  },

  async warm(spec, cells) {
    return withKernel(spec, async ({ client, child }) => {
      for (let i = 0; i < 20; i++) await client.execute(cells.simple);
      await sleep(1000);
      const memory = memoryMb(child.pid!);
      const took: number[] = [];
      for (let i = 0; i < 100; i++) took.push((await client.execute(cells.simple)).idleMs);
      return { "warm 1+1": median(took), "warm 1+1, p95": quantile(took, 0.95), "memory idle (MB)": memory };
    });
  },

  async declare(spec, cells, size) {
    return withKernel(spec, async ({ client, child }) => {
      const timed = async (from: number, count: number, pauseMs: number) => {
        const took: number[] = [];
        for (let i = from; i < from + count; i++) {
          if (pauseMs > 0) await sleep(pauseMs);
          const { idleMs, error } = await client.execute(cells.declare(i));
          if (error) throw new Error(`${error.ename}: ${error.evalue}`);
          took.push(idleMs);
        }
        return median(took);
      };
      await timed(1, 5, 0);
      const early = await timed(6, 10, 0);
      const earlyPaced = await timed(16, 10, 150);
      await timed(26, size.cells - 46, 0);
      const late = await timed(size.cells - 20, 10, 0);
      await sleep(500);
      const latePaced = await timed(size.cells - 10, 10, 150);
      const [text, match] = cells.complete;
      const took: number[] = [];
      for (let i = 0; i < 30; i++) {
        const { content, tookMs } = await client.request("shell", "complete_request", {
          code: text,
          cursor_pos: text.length,
        });
        took.push((content["matches"] as string[]).some((found) => found.endsWith(match)) ? tookMs : NaN);
      }
      return {
        "declaring cell, 10th": early,
        [`declaring cell, ${size.cells}th`]: late,
        "declaring cell, 10th, 150 ms apart": earlyPaced,
        [`declaring cell, ${size.cells}th, 150 ms apart`]: latePaced,
        [`completion after ${size.cells} cells`]: median(took),
        [`memory after ${size.cells} cells (MB)`]: memoryMb(child.pid!),
      };
    });
  },

  async output(spec, cells) {
    return withKernel(spec, async ({ client }) => {
      await client.execute(cells.simple);
      let after = 0;
      const stop = client.on(
        (channel, { header }) => void (channel === "iopub" && header.msg_type === "stream" && after++),
      );
      const lines = await client.execute(cells.lines(10_000), {}, { timeoutMs: 20_000 }).catch(() => undefined);
      const before = lines?.messages.filter(({ header }) => header.msg_type === "stream").length ?? 0;
      await sleep(1500);
      stop();
      const arrived = (lines?.text().split("\n").length ?? 1) - 1;
      const shown = cells.show ? await client.execute(cells.show).catch(() => undefined) : undefined;
      return {
        "10,000 lines": lines?.idleMs ?? Infinity,
        "10,000 lines, arrived before idle": arrived,
        "10,000 lines, messages after idle": after - before,
        "5 MB display": shown?.idleMs ?? NaN,
      };
    });
  },

  async busy(spec, cells) {
    return withKernel(spec, async ({ client }) => {
      await client.execute(cells.simple);
      const running = client.execute(cells.busy(4000));
      await sleep(300);
      const beats: number[] = [];
      const control: number[] = [];
      const complete: number[] = [];
      const [text] = cells.complete;
      const started = performance.now();
      for (let i = 0; i < 100 && performance.now() - started < 3500; i++) {
        beats.push(await client.beat());
        control.push((await client.request("control", "kernel_info_request")).tookMs);
        if (i % 10 === 0)
          complete.push(
            (await client.request("shell", "complete_request", { code: text, cursor_pos: text.length })).tookMs,
          );
      }
      await running;
      return {
        "busy: heartbeat, p99": quantile(beats, 0.99),
        "busy: control, p99": quantile(control, 0.99),
        "busy: completion": median(complete),
      };
    });
  },

  async interrupt(spec, cells) {
    return withKernel(spec, async ({ client, child }) => {
      await client.execute(cells.simple);
      const took: number[] = [];
      for (let i = 0; i < 100; i++) {
        const running = client.execute(cells.spin, {}, { timeoutMs: 5000 }).catch(() => undefined);
        await client.next(
          (_, { content, parentHeader }) =>
            content["execution_state"] === "busy" && parentHeader.msg_type === "execute_request",
        );
        await sleep(30);
        const sentMs = performance.now();
        if (spec.interrupts === "signal") child.kill("SIGINT");
        else void client.send("control", "interrupt_request", {});
        if (!(await running) || child.exitCode !== null)
          return { "interrupt of a loop": Infinity, "interrupt of a loop, p99": Infinity };
        took.push(performance.now() - sentMs);
      }
      return { "interrupt of a loop": median(took), "interrupt of a loop, p99": quantile(took, 0.99) };
    });
  },
};

const BUILT = path.resolve("dist", "kernel", "front", "main.js");
const builtArgv = [process.execPath, "--no-warnings", BUILT, "{connection_file}"];

function findSpec(name: string): KernelSpec | undefined {
  if (name === "braid") return fs.existsSync(BUILT) ? { ...sourceKernel(), argv: builtArgv } : sourceKernel();
  const folders = [
    ...(process.env["JUPYTER_PATH"]?.split(path.delimiter) ?? []),
    path.resolve(".venv", "share", "jupyter"),
    path.join(os.homedir(), ".local", "share", "jupyter"),
    "/usr/local/share/jupyter",
  ];
  for (const folder of folders) {
    const file = path.join(folder, "kernels", name, "kernel.json");
    if (!fs.existsSync(file)) continue;
    const { argv, env = {}, interrupt_mode } = JSON.parse(fs.readFileSync(file, "utf8")) as KernelJson;
    const [program = "", ...args] = argv;
    const python = path.resolve(".venv", "bin", "python");
    return {
      argv: [program === "python" && fs.existsSync(python) ? python : program, ...args],
      env,
      interrupts: interrupt_mode === "message" ? "message" : "signal",
    };
  }
  return undefined;
}

interface KernelJson {
  argv: string[];
  env?: Record<string, string>;
  interrupt_mode?: string;
}

const { values: options } = parseArgs({
  options: {
    kernel: { type: "string", multiple: true, default: ["braid", "python3"] },
    rounds: { type: "string", default: "3" },
    cells: { type: "string", default: "300" },
    only: { type: "string" },
    json: { type: "string" },
  },
});

const kernels = options.kernel.flatMap((name) => {
  const spec = findSpec(name);
  const cells = CELLS[name];
  if (!spec || !cells) console.error(`no kernel ${name} is installed here, or no cells are known for it: left out`);
  return spec && cells ? [{ name, spec, cells }] : [];
});
const suites = Object.entries(SUITES).filter(([name]) => !options.only || options.only.split(",").includes(name));
const rounds: Record<string, Figures[]> = {};

for (let round = 1; round <= Number(options.rounds); round++) {
  for (const { name, spec, cells } of round % 2 === 1 ? kernels : kernels.toReversed()) {
    const figures: Figures = {};
    for (const [suite, run] of suites) {
      process.stderr.write(`round ${round}, ${name}: ${suite}\n`);
      try {
        Object.assign(figures, await run(spec, cells, { cells: Number(options.cells) }));
      } catch (error) {
        process.stderr.write(`  failed: ${String(error)}\n`);
      }
    }
    (rounds[name] ??= []).push(figures);
  }
}

const measures = [...new Set(Object.values(rounds).flatMap((all) => all.flatMap((figures) => Object.keys(figures))))];
const show = (value: number) =>
  Number.isNaN(value) ? "" : value === Infinity ? "never" : value.toPrecision(3).replace(/e\+(\d+)/, "e$1");
const cell = (name: string, measure: string) => {
  const values = (rounds[name] ?? []).map((figures) => figures[measure] ?? NaN).filter((value) => !Number.isNaN(value));
  return values.length === 0 ? "" : String(Number(show(median(values))) || show(median(values)));
};
console.log(`| ms, median of ${options.rounds} | ${kernels.map(({ name }) => name).join(" | ")} |`);
console.log(`| --- | ${kernels.map(() => "---:").join(" | ")} |`);
for (const measure of measures)
  console.log(`| ${measure} | ${kernels.map(({ name }) => cell(name, measure)).join(" | ")} |`);
if (options.json)
  fs.writeFileSync(options.json, JSON.stringify({ node: process.version, rounds }, undefined, 2) + "\n");
