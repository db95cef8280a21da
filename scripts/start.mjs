#!/usr/bin/env node
// `npm start [-- command arguments…]`: sets up what is missing, then runs the command line of kernel/cli; without a
// command it serves JupyterLab. Plain JavaScript, as nothing is installed yet and Node may be as old as 18.

import { handOver } from "./set-up/node.mjs";

process.exitCode = await handOver(new URL("./set-up/start.ts", import.meta.url));
