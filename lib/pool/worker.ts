// The entry of a pool's thread.

import { parentPort, workerData } from "node:worker_threads";
import type { ThreadData, ToThread } from "./messages.ts";
import { quietLoader } from "./quiet-loader.ts";
import { Runner } from "./runner.ts";

const port = parentPort!;

quietLoader();

// A thread that is ended, or whose program ends, must not take with it what its tasks have printed: a worker's streams
// keep all but the first piece until the owner has asked for more.
for (const stream of [process.stdout, process.stderr] as { _writev?: (...args: unknown[]) => void }[]) {
  const { _writev: write } = stream;
  if (write)
    stream._writev = (chunks, done) => {
      write.call(stream, chunks, () => {});
      (done as () => void)();
    };
}

const runner = new Runner(workerData as ThreadData, port);
port.on("message", (message: ToThread) => runner.heard(message));
port.on("messageerror", (error: Error) => runner.heardNothing(error));
runner.start();
