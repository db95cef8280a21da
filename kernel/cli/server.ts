// A Jupyter server as a child process that can't outlive its parent: it watches its standard input, which closes with
// us however we end, and stop() ends what the server itself has left behind.

import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { descendants, endAll } from "./child.ts";
import { CliError } from "./errors.ts";
import type { PythonEnvironment } from "./python.ts";

const START_MS = 60_000;
const STOP_MS = 15_000;
const ANSWER_MS = 2_000;
const MARK = "braid-server ";

/** Starts the application named first, reports the address in place of the usual message. */
const WRAPPER = `
import atexit, json, logging, os, shutil, signal, sys, threading, time
state = os.environ.pop("BRAID_SERVER_STATE", None)
if state:
    atexit.register(shutil.rmtree, state, ignore_errors=True)
def watch():
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(${STOP_MS / 1000})
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
from jupyter_server.serverapp import ServerApp
write_info = ServerApp.write_server_info_file
def report(self):
    write_info(self)
    print("${MARK}" + json.dumps(self.server_info()), flush=True)
ServerApp.write_server_info_file = report
chatter = ("To access the server", "received signal")
def matters(record):
    return not any(text in record.getMessage() for text in chatter)
logging.getLogger("ServerApp").addFilter(matters)
app = sys.argv.pop(1)
sys.argv[0] = "jupyter-" + app
if app == "lab":
    from jupyterlab.labapp import main
else:
    from jupyter_server.serverapp import main
sys.exit(main())
`;

export interface ServerOptions {
  /** JupyterLab (Notebook 7 included), or just the server. */
  app: "lab" | "server";
  /** The folder that it serves. */
  root: string;
  /** Further arguments of the application. */
  args?: readonly string[];
  /** With settings, workspaces, runtime files and a token of its own, on a free port; else as the user has it. */
  isolated: boolean;
  /** Its log goes to our standard error as it comes; else it is kept for the day when something fails. */
  showLog?: boolean;
}

export interface Server {
  baseUrl: string;
  token: string;
  /** Resolves when the process has ended, for whatever reason. */
  exited: Promise<void>;
  /** The end of its log. */
  log(): string;
  /** Ends the server with its kernels; resolves when no process is left. */
  stop(): Promise<void>;
}

export async function startJupyter(environment: PythonEnvironment, options: ServerOptions): Promise<Server> {
  const state = options.isolated ? mkdtempSync(join(tmpdir(), "braid-server-")) : undefined;
  const token = randomBytes(24).toString("hex");
  const args = [`--ServerApp.root_dir=${options.root}`, ...(options.args ?? [])];
  // A container's only user is often root, and Jupyter would refuse.
  if (process.getuid?.() === 0) args.unshift("--allow-root");
  // Jupyter leaves out what a cell prints faster than 1 MB/s: a browser has to draw it, we do not.
  const unlimited = "--ZMQChannelsWebsocketConnection.limit_rate=False";
  if (state) args.unshift("--no-browser", "--ip=127.0.0.1", "--ServerApp.port=0", unlimited);
  const child = spawn(environment.python, ["-c", WRAPPER, options.app, ...args], {
    cwd: options.root,
    env: state ? isolatedEnvironment(state, token) : { ...process.env, JUPYTER_PREFER_ENV_PATH: "1" },
    stdio: ["pipe", "pipe", "pipe"],
    detached: process.platform !== "win32", // away from the terminal: Ctrl-C is ours, Jupyter would ask back
    windowsHide: true,
  });
  const log: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    if (options.showLog) process.stderr.write(chunk);
    log.push(chunk);
    if (log.length > 500) log.shift();
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      log.push(`${error.message}\n`);
      resolve();
    });
  });
  const stop = stopper(child, exited, state);
  try {
    const info = await address(child, exited);
    await untilItAnswers(info, exited);
    return { baseUrl: info.url, token: info.token, exited, log: () => log.join(""), stop };
  } catch (error) {
    await stop();
    console.error(log.join("").trimEnd());
    throw error;
  }
}

function isolatedEnvironment(state: string, token: string): NodeJS.ProcessEnv {
  const { JUPYTER_PATH: _, JUPYTER_CONFIG_PATH: __, ...rest } = process.env;
  return {
    ...rest,
    BRAID_SERVER_STATE: state,
    BRAID_HISTORY: "", // what a runner runs is nobody's history
    JUPYTER_TOKEN: token,
    JUPYTER_PREFER_ENV_PATH: "1",
    JUPYTER_CONFIG_DIR: join(state, "config"),
    JUPYTER_DATA_DIR: join(state, "data"),
    JUPYTER_RUNTIME_DIR: join(state, "runtime"),
    JUPYTERLAB_SETTINGS_DIR: join(state, "settings"),
    JUPYTERLAB_WORKSPACES_DIR: join(state, "workspaces"),
    IPYTHONDIR: join(state, "ipython"),
  };
}

interface Info {
  url: string;
  token: string;
}

async function address(child: ChildProcess, exited: Promise<void>): Promise<Info> {
  const { stdout } = child;
  if (!stdout) throw new Error("the server's standard output is not a pipe");
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new CliError(`the Jupyter server did not start within ${START_MS / 1000} s.`));
    const timer = setTimeout(late, START_MS);
    createInterface({ input: stdout }).on("line", (line) => {
      if (!line.startsWith(MARK)) return;
      clearTimeout(timer);
      resolve(JSON.parse(line.slice(MARK.length)) as Info);
    });
    void exited.then(() => {
      clearTimeout(timer);
      reject(new CliError("the Jupyter server ended before it was ready (its log is above)."));
    });
  });
}

/** It tells its address a moment before it takes requests. */
async function untilItAnswers({ url, token }: Info, exited: Promise<void>): Promise<void> {
  let hasExited = false;
  void exited.then(() => (hasExited = true));
  for (const startMs = performance.now(); ; await sleep(50)) {
    try {
      const { ok } = await fetch(new URL("api/status", url), {
        headers: { authorization: `token ${token}` },
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (ok) return;
    } catch {
      // not yet
    }
    if (hasExited) throw new CliError("the Jupyter server ended before it was ready (its log is above).");
    if (performance.now() - startMs > START_MS)
      throw new CliError(`the Jupyter server at ${url} took no request within ${START_MS / 1000} s.`);
  }
}

function stopper(child: ChildProcess, exited: Promise<void>, state: string | undefined): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    const left = child.pid && child.exitCode === null ? descendants(child.pid) : [];
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(timer);
    await endAll(left, 2_000);
    if (state) rmSync(state, { recursive: true, force: true, maxRetries: 3 });
  };
  return () => (stopping ??= stop());
}
