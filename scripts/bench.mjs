#!/usr/bin/env node
// `npm run bench pool -- --rounds 3`: runs bench/pool/bench.ts with the options behind it; likewise every folder of bench/.

import { globSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const [name = ""] = process.argv.splice(2, 1);
const folder = fileURLToPath(new URL("../bench/", import.meta.url));
const names = globSync("*/bench.ts", { cwd: folder }).map(dirname);
if (names.includes(name)) await import(`../bench/${name}/bench.ts`);
else {
  console.error(`braid: npm run bench ${names.sort().join("|")} -- [options]`);
  process.exitCode = 1;
}
