// A worker by hand: the least that numbers calls and answers them.

import { parentPort, workerData } from "node:worker_threads";
import { TASKS } from "./tasks.mjs";

const task = /** @type {(...args: any[]) => number} */ (TASKS[/** @type {keyof typeof TASKS} */ (workerData)]);

parentPort?.on("message", ([id, args]) => parentPort?.postMessage([id, task(...args)]));
