// What a program says that is measured in a process of its own: the JSON in the last line of its output.

import { spawn } from "node:child_process";

export class TooSlow extends Error {}

/** Rejects with the reason if there is no report. Waits: async, at most so long. */
export function reportOf<R>([program = "", ...args]: readonly string[], limitMs: number): Promise<R> {
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const limit = setTimeout(() => {
    child.kill("SIGKILL");
    reject(new TooSlow(`no end within ${limitMs / 1000} s`));
  }, limitMs);
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  child.on("error", reject);
  child.on("close", (code) => {
    clearTimeout(limit);
    const last = output.trimEnd().split("\n").at(-1) ?? "";
    if (code === 0 && last.startsWith("{")) return resolve(JSON.parse(last) as R);
    const why = /^\w*Error\b.*|^Warning: Detected unsettled.*|^.*panicked at.*/m.exec(errors)?.[0];
    const reason = code === 13 ? "its promises never settle" : (why ?? `ended with code ${code}`);
    reject(new Error(reason.replaceAll(process.cwd(), ".")));
  });
  return promise;
}
