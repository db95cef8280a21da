#!/usr/bin/env node
// `npm run check`: format, lint, types, layers, unused code, package and unit tests, in less than 90 s.

import { handOver } from "./set-up/node.mjs";

process.exitCode = await handOver(new URL("./gate/check.ts", import.meta.url));
