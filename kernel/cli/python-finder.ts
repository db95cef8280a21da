// Finds a Python that can hold JupyterLab, or says in one sentence how to get one.

import { spawnSync } from "node:child_process";
import { CliError } from "./errors.ts";

const OLDEST = [3, 10] as const;

interface Candidate {
  command: string;
  version: [number, number];
  venv: boolean;
}

const PROBE = `
import json, sys
try:
    import venv, ensurepip
    has = True
except ImportError:
    has = False
print(json.dumps({"command": sys.executable, "version": list(sys.version_info[:2]), "venv": has}))`;

/** The first Python on the PATH that is new enough and can make virtual environments. */
export function findPython(): string {
  const names = ["python3", ...[14, 13, 12, 11, 10].map((minor) => `python3.${minor}`), "python"];
  const candidates: Candidate[] = [];
  for (const name of names) {
    const { status, stdout } = spawnSync(name, ["-c", PROBE], { encoding: "utf8", timeout: 20_000 });
    if (status === 0) candidates.push(JSON.parse(stdout) as Candidate);
    const last = candidates.at(-1);
    if (last && isNewEnough(last) && last.venv) return last.command;
  }
  const usable = candidates.find(isNewEnough);
  if (usable) {
    throw new CliError(`Python ${usable.version.join(".")} has no venv module; ${howToGetVenv()} and try again.`);
  }
  const needed = `JupyterLab needs Python ${OLDEST.join(".")} or newer`;
  const newest = candidates.map(({ version }) => version).sort((a, b) => b[0] - a[0] || b[1] - a[1])[0];
  if (newest)
    throw new CliError(`${needed}, and this is Python ${newest.join(".")}; ${howToGetPython()} and try again.`);
  throw new CliError(`${needed}, and there is none on the PATH; ${howToGetPython()} and try again.`);
}

function isNewEnough({ version: [major, minor] }: Candidate): boolean {
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function howToGetPython(): string {
  if (process.platform === "darwin") return "run `brew install python@3.13`";
  return process.platform === "win32"
    ? "run `winget install Python.Python.3.13`"
    : "run `sudo apt-get install python3 python3-venv`";
}

export function howToGetVenv(): string {
  return process.platform === "linux" ? "run `sudo apt-get install python3-venv`" : howToGetPython();
}
