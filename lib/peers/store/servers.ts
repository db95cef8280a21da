// Starts the server of a store: a real one that is installed, or our own on a thread.

import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { killGroup, removeAtEnd, spawnGroup } from "../../child-group.ts";
import { StoreError } from "../../errors.ts";
import { host } from "../../host.ts";
import { sibling } from "../../sibling.ts";
import { capture } from "../capture.ts";
import { lastLine } from "../run.ts";
import { findProgram } from "../toolchain.ts";
import { PIECE } from "./nats-client.ts";

export interface Server {
  /** Says the protocol, where it listens and what it asks for: see `clientOf`. */
  readonly url: string;
  readonly why: string;
  stop(): Promise<void>;
}

const START_MS = 10_000;
const PROGRAMS = ["redis-server", "valkey-server", "nats-server"] as const;

/** The first that is there and starts; otherwise our own, which says why. */
export async function startServer(builtIn: boolean, stop: AbortSignal): Promise<Server> {
  if (builtIn) return startBuiltIn("Our own server on a thread of this process, as was asked for.");
  const failed: string[] = [];
  for (const name of PROGRAMS) {
    const command = findProgram(name);
    if (command === undefined) continue;
    try {
      return await (name === "nats-server" ? startNats(command, stop) : startRedis(name, command, stop));
    } catch (error) {
      stop.throwIfAborted();
      failed.push((error as Error).message);
    }
  }
  const why = failed.length > 0 ? failed.join(" ") : `Not installed: no ${PROGRAMS.join(", ")} on the PATH.`;
  return startBuiltIn(`${why} This is our own server on a thread of this process.`);
}

/** Its files are only for this user, and are removed with it. */
function makeFolder(): { folder: string; remove(): void } {
  // A socket's path may have 103 characters.
  const parent = realpathSync(tmpdir());
  const folder = mkdtempSync(join(parent.length > 60 ? "/tmp" : parent, "braid-store-"));
  const { cancel } = removeAtEnd(folder);
  return {
    folder,
    remove() {
      rmSync(folder, { recursive: true, force: true });
      cancel();
    },
  };
}

async function startRedis(name: "redis-server" | "valkey-server", command: string, stop: AbortSignal): Promise<Server> {
  const { folder, remove } = makeFolder();
  const socket = join(folder, "socket");
  const args = ["--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir", folder];
  const server = await startProgram(name, command, [...args, "--save", "", "--appendonly", "no"], remove);
  await server.until(() => isListening(socket), stop);
  const url = `${name.split("-")[0]}+unix://${socket}`;
  return { url, why: `${name} from the PATH (${command}), listening at a socket of its own.`, stop: server.stop };
}

/** The file is there before anybody listens at it. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function startNats(command: string, stop: AbortSignal): Promise<Server> {
  const { folder, remove } = makeFolder();
  // Anybody on this machine can reach a port: without the token they get no further.
  const token = randomBytes(24).toString("hex");
  const config = { host: "127.0.0.1", port: -1, max_payload: 2 * PIECE, ports_file_dir: folder };
  const all = { ...config, authorization: { token }, jetstream: { store_dir: folder } };
  writeFileSync(join(folder, "nats.conf"), JSON.stringify(all), { mode: 0o600 });
  const server = await startProgram("nats-server", command, ["-c", join(folder, "nats.conf")], remove);
  let address: string | undefined;
  await server.until(async () => (address = natsAddress(folder)) !== undefined, stop);
  const url = `nats://${token}@${address}`;
  return { url, why: `nats-server from the PATH (${command}), with JetStream.`, stop: server.stop };
}

/** It writes where it listens to a file. */
function natsAddress(folder: string): string | undefined {
  const file = readdirSync(folder).find((name) => name.endsWith(".ports"));
  const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8");
  return /"nats:\/\/([^"]+)"/.exec(text)?.[1];
}

interface Started {
  /** Waits until it is ready; rejects, with all cleaned up, if it ends before that or takes too long. */
  until(ready: () => Promise<boolean>, stop: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

async function startProgram(
  name: string,
  command: string,
  args: readonly string[],
  remove: () => void,
): Promise<Started> {
  let child: ChildProcess;
  try {
    child = await spawnGroup(command, args, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    remove();
    throw error;
  }
  const [stdout, stderr] = [capture(child.stdout!, "stdout", 2 ** 16), capture(child.stderr!, "stderr", 2 ** 16)];
  let isOver = false;
  const over = new Promise<void>((resolve) => {
    child.once("exit", () => {
      isOver = true;
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    child.ref();
    killGroup(child); // it keeps nothing that is worth a farewell
    await over;
    remove();
  };
  return {
    stop,
    async until(ready, signal) {
      const begin = performance.now();
      while (!(await ready())) {
        const late = performance.now() - begin > START_MS;
        if (!isOver && !late && !signal.aborted) {
          await Promise.race([sleep(5), over]);
          continue;
        }
        await stop();
        signal.throwIfAborted();
        const last = lastLine(stderr.text()) ?? lastLine(stdout.text());
        const how = isOver && !late ? "ended at once" : `was not ready after ${START_MS} ms`;
        throw new StoreError(`${name} (${command}) ${how}${last === undefined ? "." : `: ${last}.`}`);
      }
      // A store that nobody asks keeps no program alive.
      child.unref();
      for (const stream of child.stdio) (stream as { unref?(): void } | null)?.unref?.();
    },
  };
}

async function startBuiltIn(why: string): Promise<Server> {
  const { folder, remove } = makeFolder();
  const socket = join(folder, "socket");
  const thread = new Worker(sibling(import.meta.url, "worker"), { workerData: socket, execArgv: [] });
  host()?.adopt(thread);
  try {
    await new Promise<void>((resolve, reject) => {
      thread.once("message", () => resolve()).once("error", reject);
      thread.once("exit", (code) => reject(new StoreError(`The store's thread ended with exit code ${code}.`)));
    });
  } catch (error) {
    remove();
    throw error;
  }
  thread.on("error", () => {}); // those who ask it find out
  thread.unref();
  return {
    url: `built-in+unix://${socket}`,
    why,
    async stop() {
      await thread.terminate();
      remove();
    },
  };
}
