// `braid run`: executes notebooks without a browser, on a Jupyter server of its own.

import { dirname, relative, resolve, sep } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { CliError } from "./errors.ts";
import type { Outcome } from "./execute.ts";
import { toHtml } from "./export.ts";
import { installInto } from "./install.ts";
import { checkWritable, codeCells, readNotebook, toText, writeWhole, type Cell, type Notebook } from "./notebook.ts";
import { inject } from "./parameters.ts";
import { ROOT } from "./paths.ts";
import { pythonEnvironment } from "./python.ts";
import { findLeak, normalise, thisMachine } from "./record.ts";
import { parseRunArguments, type RunArguments } from "./run-arguments.ts";
import { startJupyter, type Server } from "./server.ts";
import { stopOnSignal, type Stop } from "./signals.ts";

interface Job {
  file: string;
  notebook: Notebook;
}

/** Resolves with the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const given = parseRunArguments(args);
  const jobs = given.notebooks.map((file) => prepare(file, given));
  for (const file of [given.out, given.html]) if (file !== undefined) checkWritable(resolve(file));
  const environment = await pythonEnvironment();
  await installInto(environment.prefix);

  const stop = stopOnSignal();
  const root = commonFolder(jobs.map(({ file }) => dirname(resolve(file))));
  const server = await startJupyter(environment, { app: "server", root, isolated: true });
  try {
    let failed = false;
    for (const job of jobs) {
      if (!stop.signal.aborted) failed = !(await runOne(job, given, server, root, stop)) || failed;
    }
    return stop.exitCode() || (failed ? 1 : 0);
  } finally {
    await server.stop();
    stop.release();
  }
}

function prepare(file: string, { kernel, parameters, record }: RunArguments): Job {
  const isOurs = kernel === "braid";
  const notebook = readNotebook(file, isOurs ? undefined : [kernel]);
  inject(notebook, parameters, file, isOurs);
  if (record) checkWritable(resolve(file));
  return { file, notebook };
}

async function runOne(
  { file, notebook }: Job,
  given: RunArguments,
  server: Server,
  root: string,
  stop: Stop,
): Promise<boolean> {
  const { execute } = await import("./execute.ts");
  const startMs = performance.now();
  console.log(`braid: running ${file}`);
  const outcome = await execute(notebook, {
    server,
    kernel: given.kernel,
    folder: relative(root, dirname(resolve(file))).replaceAll(sep, "/"),
    timeoutMs: given.timeoutMs,
    signal: stop.signal,
    onStart: (cell, index, count) => process.stdout.write(progressLine(cell, index, count)),
    onEnd: (ok, ms) => console.log(` ${ms.toFixed(0).padStart(7)} ms  ${ok ? "ok" : "failed"}`),
  });
  if (outcome.state === "interrupted") {
    console.log("braid: interrupted; nothing was written.");
    return true;
  }
  const problem = explain(outcome, file, given);
  if (problem) console.error(process.stderr.isTTY ? problem : stripVTControlCharacters(problem));
  await write({ file, notebook }, given, server, problem === undefined);
  const count = codeCells(notebook).length;
  if (!problem) console.log(`braid: ${file}: ${count} cells, ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return problem === undefined;
}

export function progressLine({ source }: Cell, index: number, count: number): string {
  const width = 56;
  const first = source.trim().split("\n", 1)[0]?.trim() ?? "";
  const shown = first.length > width ? `${first.slice(0, width - 1)}…` : first;
  return `[${String(index + 1).padStart(String(count).length)}/${count}] ${shown.padEnd(width)}`;
}

function explain(outcome: Outcome, file: string, { timeoutMs }: RunArguments): string | undefined {
  if (outcome.state === "done" || outcome.state === "interrupted") return undefined;
  if (outcome.state === "dead") {
    const where = outcome.index === undefined ? "before the first cell" : `in cell ${outcome.index + 1}`;
    return `braid: ${file}: the kernel was lost ${where}: ${outcome.why}.`;
  }
  const cell = `cell ${outcome.index + 1}`;
  if (outcome.state === "timeout") {
    return `braid: ${file}: ${cell} was still running after ${(timeoutMs ?? 0) / 1000} s (--timeout) and was interrupted.`;
  }
  const error = outcome.cell.outputs?.findLast((output) => output.output_type === "error");
  if (!error) return `braid: ${file}: ${cell} failed without saying why.`;
  const text = error.traceback.join("\n");
  return `${text}${text ? "\n" : ""}braid: ${file}: ${cell} failed: ${error.ename}: ${error.evalue}`;
}

/** What the arguments ask for; the notebook itself only by --record, and only if every cell ran. */
async function write({ file, notebook }: Job, given: RunArguments, server: Server, complete: boolean): Promise<void> {
  if (given.record && complete) {
    normalise(notebook);
    const leak = findLeak(notebook, thisMachine(ROOT));
    if (leak) {
      const rule = "a recorded notebook must not tell whose machine it was";
      throw new CliError(
        `${file} was not written: an output of cell ${leak.cell} (markdown included) holds ${leak.what}; ${rule}.`,
      );
    }
    writeWhole(file, toText(notebook));
  }
  if (given.out !== undefined) writeWhole(given.out, toText(notebook));
  if (given.html !== undefined) writeWhole(given.html, await toHtml(notebook, file, server));
  for (const name of [given.record && complete ? file : undefined, given.out, given.html]) {
    if (name !== undefined) console.log(`braid: wrote ${name}`);
  }
}

/** The deepest folder above all of them. */
export function commonFolder(folders: readonly string[]): string {
  const [first = process.cwd(), ...rest] = folders;
  const contains = (folder: string): boolean =>
    rest.every((other) => other === folder || other.startsWith(folder.endsWith(sep) ? folder : folder + sep));
  let folder = first;
  while (!contains(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
