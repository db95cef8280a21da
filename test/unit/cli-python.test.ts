// What is said when Python is missing, too old, or has no venv: on a PATH of our own.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { findPython } from "../../kernel/cli/python-finder.ts";

const PATH = process.env.PATH;
let folder: string | undefined;

afterEach(() => {
  process.env.PATH = PATH;
  if (folder) rmSync(folder, { recursive: true });
  folder = undefined;
});

/** Programs that answer as a Python of that version would. */
function onlyPythons(pythons: Record<string, { version: number[]; venv: boolean }>): void {
  folder = mkdtempSync(join(tmpdir(), "braid-test-"));
  for (const [name, python] of Object.entries(pythons)) {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\necho '${JSON.stringify({ command: file, ...python })}'\n`);
    chmodSync(file, 0o755);
  }
  process.env.PATH = folder;
}

it.skipIf(process.platform === "win32")("takes the first that will do", () => {
  onlyPythons({
    python3: { version: [3, 9], venv: true },
    "python3.12": { version: [3, 12], venv: false },
    "python3.11": { version: [3, 11], venv: true },
  });
  expect(findPython()).toMatch(/python3\.11$/);
});

it.skipIf(process.platform === "win32").each([
  [{}, /^JupyterLab needs Python 3\.10 or newer, and there is none on the PATH; run `.+` and try again\.$/],
  [
    { python3: { version: [3, 8], venv: true }, python: { version: [2, 7], venv: false } },
    /^JupyterLab needs Python 3\.10 or newer, and this is Python 3\.8; run `.+` and try again\.$/,
  ],
  [{ python3: { version: [3, 12], venv: false } }, /^Python 3\.12 has no venv module; run `.+` and try again\.$/],
])("says what to do with %j", (pythons, message) => {
  onlyPythons(pythons);
  expect(() => findPython()).toThrow(message);
});
