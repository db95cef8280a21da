// The entry of a pool's thread.

import { workerData } from "node:worker_threads";
import { begun } from "../sync/threads.ts";
import type { ToThread, WorkerData } from "./messages.ts";
import { Runner } from "./runner.ts";
import { settleIn } from "./thread-set-up.ts";

const { port, ...data } = workerData as WorkerData;
settleIn();
begun();
const runner = new Runner(data, port);
// Null: the owner looks whether this thread is there.
port.on("message", (message: ToThread | null) => message && runner.heard(message));
port.on("messageerror", (error: Error) => runner.heardNothing(error));
runner.start();
