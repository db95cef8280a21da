// The control thread of the executor. It owns the command pipe and stays alive while the main thread spins or sits in
// Atomics.wait: it passes cells on, answers input, and interrupts.
//
// An idle main thread must not be terminated: V8 would kill its next innocent callback. So an interrupt first asks, by
// message; a main thread that does not answer within a few milliseconds is inside JavaScript, and only then is its
// execution terminated, again and again until it answers. State is kept: nothing but the running code is unwound.

import { type Debugger, Session } from "node:inspector";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type MessagePort, workerData } from "node:worker_threads";
import { type Answer, type Command, COMMAND_FD } from "../link/messages.ts";
import {
  ACKNOWLEDGED,
  type ControlData,
  DEALING_TRIES,
  encodeInput,
  GRACE_MS,
  isAcknowledged,
  isDealing,
  isLoading,
  LOCATE_MS,
  REQUESTED,
  RETRY_MS,
  TRIES,
  writePlace,
} from "./control-flags.ts";

const { port, flags, inbox, place } = workerData as ControlData & { port: MessagePort };

const MAX_FRAMES = 8;

const pipe = new Socket({ fd: COMMAND_FD, readable: true, writable: true });
pipe.setEncoding("utf8");
let rest = "";
pipe.on("data", (chunk: string) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop()!;
  for (const line of lines) obey(JSON.parse(line) as Command);
});
// The front is gone: leave nothing behind. process.exit would end this thread only.
pipe.on("end", () => process.kill(process.pid, "SIGKILL"));
pipe.on("error", () => process.kill(process.pid, "SIGKILL"));

function obey(command: Command): void {
  if (command.type === "interrupt") void interrupt();
  else if (command.type === "input") encodeInput(flags, inbox, command.value);
  else port.postMessage(command);
}

function answer(message: Answer): void {
  pipe.write(JSON.stringify(message) + "\n");
}

async function interrupt(): Promise<void> {
  const sequence = Atomics.add(flags, REQUESTED, 1) + 1;
  const started = performance.now();
  let patience = DEALING_TRIES;
  for (let terminations = 0; terminations < TRIES; terminations++) {
    port.postMessage({ type: "interrupt", sequence });
    const before = Atomics.load(flags, ACKNOWLEDGED);
    if (before < sequence) {
      await Atomics.waitAsync(flags, ACKNOWLEDGED, before, terminations === 0 ? GRACE_MS : RETRY_MS).value;
    }
    if (isAcknowledged(flags, sequence)) {
      return answer({ type: "interrupted", afterMs: performance.now() - started, terminations });
    }
    if (isLoading(flags) || (isDealing(flags, sequence) && patience-- > 0)) continue;
    await terminate(sequence, terminations === 0);
  }
  answer({ type: "stuck" });
}

// A session is opened for each termination only: while one is open, Node prints "Waiting for the debugger to
// disconnect..." when the process ends. The reply comes when a call was really terminated; should the main thread have
// become idle meanwhile, the message gives it one to lose.
async function terminate(sequence: number, locates: boolean): Promise<void> {
  const session = new Session();
  session.connectToMainThread();
  if (locates) writePlace(place, await whereItStands(session));
  // It has found the time meanwhile.
  if (locates && isDealing(flags, sequence)) return session.disconnect();
  const terminated = new Promise((resolve) => session.post("Runtime.terminateExecution", resolve));
  if (locates) session.post("Debugger.disable");
  port.postMessage({ type: "nothing" });
  // No reply comes from where V8 itself calls user code: the getter of an error's stack.
  await Promise.race([terminated, sleep(RETRY_MS)]);
  session.disconnect();
}

const OWN_FOLDER = new URL("../../", import.meta.url).href;

/** Pauses the main thread for its stack: the frames of cells and of files that they import; "" if it won't pause. */
async function whereItStands(session: Session): Promise<string> {
  const urls = new Map<string, string>();
  session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
  const paused = new Promise<Debugger.CallFrame[]>((resolve) =>
    session.once("Debugger.paused", ({ params }) => resolve(params.callFrames)),
  );
  session.post("Debugger.enable");
  session.post("Debugger.pause");
  port.postMessage({ type: "nothing" });
  const frames = (await Promise.race([paused, sleep(LOCATE_MS)])) ?? [];
  return frames
    .map(({ functionName, location }) => ({ functionName, location, url: urls.get(location.scriptId) ?? "" }))
    .filter(({ url }) => url !== "" && !url.startsWith("node:") && !url.startsWith(OWN_FOLDER))
    .slice(0, MAX_FRAMES)
    .map(({ functionName, location: { lineNumber, columnNumber = 0 }, url }) => {
      const at = `${url}:${lineNumber + 1}:${columnNumber + 1}`;
      return `    at ${functionName === "" ? at : `${functionName} (${at})`}`;
    })
    .join("\n");
}
