#!/usr/bin/env node
// `npm test`: all of `npm run check`, then every other test, from a fresh clone on.

import { handOver } from "./set-up/node.mjs";

process.exitCode = await handOver(new URL("./gate/test.ts", import.meta.url));
