// The second half of `npm start`, under Node 24: packages, build, then the command line in this very process.

import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { fail, ROOT, setUp } from "./steps.ts";

try {
  await setUp();
} catch (error) {
  fail(error);
}
const args = process.argv.slice(2);
const [first = "-"] = args;
const isForLab = first.startsWith("-") && !["--help", "-h", "--version"].includes(first);
const main = join(ROOT, "dist", "kernel", "cli", "main.js");
process.argv.splice(1, Infinity, main, ...(isForLab ? ["lab"] : []), ...args);
await import(pathToFileURL(main).href);
