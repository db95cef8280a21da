// The entry of a pool's thread.

import { parentPort, workerData } from "node:worker_threads";
import type { ThreadData, ToThread } from "./messages.ts";
import { Runner } from "./runner.ts";
import { settleIn } from "./thread-set-up.ts";

const port = parentPort!;
settleIn();
const runner = new Runner(workerData as ThreadData, port);
port.on("message", (message: ToThread) => runner.heard(message));
port.on("messageerror", (error: Error) => runner.heardNothing(error));
runner.start();
