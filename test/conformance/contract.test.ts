// The package as others get it: built, installed in a folder of node_modules, with its own types. Programs call every name,
// form, option and error of shared state and of messages.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const run = promisify(execFile);
/** A program's threads must not find the sources. */
const env = { ...process.env, NODE_OPTIONS: "" };

let folder: string;
beforeAll(async () => {
  // Within the project, whose node_modules has what the package depends on.
  folder = await mkdtemp(join(import.meta.dirname, ".installed-"));
  const installed = join(folder, "node_modules", "braid");
  await mkdir(installed, { recursive: true });
  await cp(join(ROOT, "package.json"), join(installed, "package.json"));
  await run(
    process.execPath,
    [TSC, "-p", "tsconfig.build.json", "--outDir", join(installed, "dist"), "--incremental", "false"],
    { cwd: ROOT },
  );
  await cp(join(import.meta.dirname, "fixtures", "contract"), folder, { recursive: true });
  // No name: it would be found before the one that is installed.
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("has types that the programs agree with", async () => {
  const compilerOptions = {
    ...{ noEmit: true, strict: true, target: "esnext", module: "nodenext", types: ["node"] },
    ...{ allowImportingTsExtensions: true, erasableSyntaxOnly: true },
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const { stdout } = await run(process.execPath, [TSC, "-p", "."], { cwd: folder }).catch((error) => error);
  expect(stdout).toBe("");
});

it.each(["shared-state", "messages"])("does what it promises: %s", async (name) => {
  const { stdout } = await run(process.execPath, ["--disable-warning=ExperimentalWarning", `${name}.ts`], {
    cwd: folder,
    env,
    timeout: 90_000,
  });
  expect(stdout).toBe("all well\n");
});
