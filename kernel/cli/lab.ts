// `braid lab [folder] [arguments for jupyter lab…]`: serves JupyterLab with the kernel installed, until Ctrl-C.

import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { CliError } from "./errors.ts";
import { installInto } from "./install.ts";
import { ROOT } from "./paths.ts";
import { pythonEnvironment } from "./python.ts";
import { startJupyter } from "./server.ts";
import { stopOnSignal } from "./signals.ts";

/** Resolves with the exit code. */
export async function lab(args: readonly string[]): Promise<number> {
  const named = args[0] !== undefined && !args[0].startsWith("-") ? args[0] : undefined;
  const folder = named === undefined ? join(ROOT, "notebooks") : resolve(named);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new CliError(`there is no folder ${folder}.`);
  const environment = await pythonEnvironment();
  await installInto(environment.prefix);

  const stop = stopOnSignal();
  const passed = named === undefined ? args : args.slice(1);
  const isVerbose = passed.some((arg) => arg.includes("log_level") || arg === "--debug");
  const quiet = isVerbose ? [] : ["--ServerApp.log_level=ERROR", "--LabApp.log_level=ERROR"];
  const server = await startJupyter(environment, {
    app: "lab",
    root: folder,
    args: [...quiet, ...passed],
    isolated: false,
    showLog: true,
  });
  const url = new URL("lab", server.baseUrl);
  if (server.token) url.searchParams.set("token", server.token);
  console.log(`braid: JupyterLab serves ${folder} at\n\n    ${url.href}\n\nbraid: Ctrl-C ends it`);
  const aborted = new Promise((done) => stop.signal.addEventListener("abort", done, { once: true }));
  if (!stop.signal.aborted) await Promise.race([server.exited, aborted]);
  if (stop.signal.aborted) console.log("\nbraid: ending JupyterLab and its kernels");
  await server.stop();
  stop.release();
  return stop.exitCode();
}
