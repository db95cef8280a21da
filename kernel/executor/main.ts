// The executor's main thread: runs cells one after the other, and nothing else. Commands come from the control thread,
// what happens goes to the front by the report pipe. See control.ts for interrupts.

import { MessageChannel, setEnvironmentData, Worker } from "node:worker_threads";
import type { CommCommand, ExecuteCommand } from "../link/messages.ts";
import { deal, isAcknowledged, makeControlData, takePlace, uninterrupted } from "./control-flags.ts";
import { errorText } from "./describe.ts";
import { installUsing } from "./disposal.ts";
import { CellRunner } from "./cell-runner.ts";
import { receiveComm } from "./comms.ts";
import { loadOwnInside } from "./imports.ts";
import { installKernelApi } from "./kernel-api.ts";
import { runAs } from "./origin.ts";
import { printError, report } from "./output.ts";
import { adopt, CONTROL_THREAD } from "./threads.ts";
import { sibling } from "../../lib/sibling.ts";

const control = makeControlData();
const { port1: port, port2 } = new MessageChannel();

setEnvironmentData(CONTROL_THREAD, true);
const controlThread = new Worker(sibling(import.meta.url, "control"), {
  workerData: { ...control, port: port2 },
  transferList: [port2],
});
setEnvironmentData(CONTROL_THREAD, undefined);
controlThread.unref();
adopt(controlThread);

installUsing();
installKernelApi(control);
loadOwnInside((load) => uninterrupted(control.flags, load));
const runner = new CellRunner(() => takePlace(control.place));

type ToMainThread = ExecuteCommand | CommCommand | { type: "interrupt"; sequence: number } | { type: "nothing" };

port.on("message", (command: ToMainThread) => {
  if (command.type === "nothing") return;
  if (command.type === "execute") return runner.enqueue(command);
  if (command.type === "comm") return runAs(command.run, () => callListeners(command));
  // Asked twice, because the first answer was late: the next cell must not be hit.
  if (isAcknowledged(control.flags, command.sequence)) return;
  deal(control.flags, command.sequence, () => runner.interrupt());
});

function callListeners(command: CommCommand): void {
  runner.guarded(
    () => receiveComm(command),
    ({ traceback }) => printError(`In a comm callback: ${traceback.join("\n")}\n`),
  );
  report({ type: "comm_done", run: command.run });
}

// What a cell started may fail after the cell has ended: shown under that cell, and the process lives on.
process.on("uncaughtException", (error) => printLate("Uncaught error in a callback", error));
process.on("unhandledRejection", (error) => printLate("Unhandled rejection", error));

function printLate(what: string, error: unknown): void {
  runner.guarded(() => printError(`${what}: ${errorText(error)}\n`));
}

report({ type: "ready" }, 0);

// In a quiet moment, so that the first cell that imports the library doesn't have to wait for it.
setTimeout(() => void uninterrupted(control.flags, () => import("../../lib/index.ts")), 300).unref();
