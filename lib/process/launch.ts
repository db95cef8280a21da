// How a child process is started: with the flags of this one, and those that the pool's options stand for.

import { fork, type ChildProcess, type StdioOptions } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { host } from "../host.ts";
import { realm } from "../ship/index.ts";
import { sibling } from "../sibling.ts";

/**
 * What a sandboxed process may do; what is not named is refused with ERR_ACCESS_DENIED, by Node's permission model. The
 * network is not restricted, and code that wants out is not held: Node calls it a seat belt. The library's own files can
 * always be read.
 */
export interface Permission {
  /** Files and folders that it may read; "*" for all. Modules that tasks import are read, too. */
  fsRead?: readonly string[];
  fsWrite?: readonly string[];
  childProcess?: boolean;
  /** Threads, and so also `par()` and pools of threads inside of tasks. */
  worker?: boolean;
  addons?: boolean;
  wasi?: boolean;
  /** Without it, tasks can't return functions or objects of classes of their own: those are read by the inspector. */
  inspector?: boolean;
}

export interface LaunchOptions {
  readonly stackSizeMb?: number | undefined;
  readonly maxHeapMb?: number | undefined;
  readonly permission?: Permission | undefined;
}

const LIBRARY = fileURLToPath(new URL("../", import.meta.url));
const IPC_FD = 3;

/** Flags that are about the program that this process was started for, and those that have their value behind them. */
const NOT_INHERITED = /^(-c|--check|-i|--interactive|--input-type=|--inspect|--test|--watch|--eval=|--print=)/;
const WITH_VALUE = /^(-e|--eval|-p|-pe|--print|--input-type)$/;

/** Starts a process that runs tasks. One that can't be started has no pid, and an "error" follows. */
export function launch(options: LaunchOptions): ChildProcess {
  const needs = host()?.forChild?.();
  const execArgv = [...inheritedFlags(process.execArgv, options.permission !== undefined)];
  if (options.maxHeapMb !== undefined) execArgv.push(`--max-old-space-size=${options.maxHeapMb}`);
  if (options.permission) execArgv.push(...permissionFlags(options.permission, needs?.folders ?? []));
  const stdio: StdioOptions = ["ignore", "inherit", "inherit", "ipc"];
  for (const fd of needs?.descriptors ?? []) {
    while (stdio.length < fd) stdio.push("ignore");
    if (fd !== IPC_FD) stdio[fd] = fd;
  }
  return fork(sibling(import.meta.url, "worker"), [realm], {
    serialization: "advanced",
    stdio,
    env: { ...process.env, ...needs?.env },
    ...withStack(execArgv, options.stackSizeMb),
  });
}

/** The stack of a process's first thread is what the system gives it: a shell asks for it, and then becomes Node. */
function withStack(execArgv: string[], stackSizeMb: number | undefined): { execArgv: string[]; execPath?: string } {
  if (stackSizeMb === undefined) return { execArgv };
  const kib = stackSizeMb * 1024;
  // V8 must stop before the system does.
  const flags = [`--stack-size=${kib}`, ...execArgv];
  const script = `ulimit -s ${kib + 1024} && exec "$0" "$@"`;
  return { execPath: "/bin/sh", execArgv: ["-c", script, process.execPath, ...flags] };
}

/** Throws RangeError where the system gives no process that much stack. */
export function checkStack(stackSizeMb: number): void {
  const report = process.report.getReport() as { userLimits?: { stack_size_kbytes?: { hard: number | string } } };
  const hard = report.userLimits?.stack_size_kbytes?.hard;
  if (typeof hard !== "number" || stackSizeMb * 1024 + 1024 <= hard) return;
  throw new RangeError(
    `Expected stackSizeMb to be at most ${Math.floor(hard / 1024) - 1}, what this system allows a process, got ${stackSizeMb}.`,
  );
}

function* inheritedFlags(flags: readonly string[], ownPermission: boolean): Generator<string> {
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!;
    if (WITH_VALUE.test(flag)) i++;
    else if (!NOT_INHERITED.test(flag) && !(ownPermission && /^--(permission$|allow-)/.test(flag))) yield flag;
  }
}

/** Where the parser is looked for, which a process needs to send objects of classes, and where it is. */
function* parserFolders(): Generator<string> {
  for (const folder of createRequire(import.meta.url).resolve.paths("acorn") ?? []) {
    const one = path.join(folder, "acorn");
    yield one;
    if (!fs.existsSync(one)) continue;
    yield fs.realpathSync(one);
    if (fs.lstatSync(folder).isSymbolicLink()) yield folder;
    return;
  }
}

/** Node forgets that a folder is allowed where something inside of it is allowed, too. */
function outermost(paths: readonly string[]): string[] {
  if (paths.includes("*")) return ["*"];
  const whole = paths.map((one) => (one.endsWith(path.sep) ? one : one + path.sep));
  return paths.filter((_, at) => !whole.some((other) => other !== whole[at] && whole[at]!.startsWith(other)));
}

function permissionFlags(permission: Permission, folders: readonly string[]): string[] {
  const { fsRead = [], fsWrite = [], childProcess, worker, addons, wasi, inspector } = permission;
  const all = (paths: readonly string[]): string[] => paths.map((one) => (one === "*" ? one : path.resolve(one)));
  const reads = outermost([LIBRARY, ...parserFolders(), ...folders, ...all(fsRead)]);
  const flags = ["--permission", ...reads.map((one) => `--allow-fs-read=${one}`)];
  flags.push(...outermost(all(fsWrite)).map((one) => `--allow-fs-write=${one}`));
  const more = { "child-process": childProcess, worker, addons, wasi, inspector };
  for (const [name, isAllowed] of Object.entries(more)) if (isAllowed) flags.push(`--allow-${name}`);
  return flags;
}
