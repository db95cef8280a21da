#!/usr/bin/env node
// `npm run test:book`: every notebook in full, and with 1 and 4 threads.

import { handOver } from "./set-up/node.mjs";

process.exitCode = await handOver(new URL("./gate/test-book.ts", import.meta.url));
