// The entry of a pool's thread.

import { parentPort, workerData } from "node:worker_threads";
import { begun } from "../sync/threads.ts";
import type { ToThread, WorkerData } from "./messages.ts";
import { Runner } from "./runner.ts";
import { settleIn } from "./thread-set-up.ts";

const port = parentPort!;
settleIn();
begun();
const runner = new Runner(workerData as WorkerData, port);
port.on("message", (message: ToThread) => runner.heard(message));
port.on("messageerror", (error: Error) => runner.heardNothing(error));
const { pulse } = workerData as WorkerData;
pulse.on("message", () => {});
pulse.unref();
runner.start();
