// The kernel's process: `node main.js CONNECTION_FILE`, as the kernelspec says.

import fs from "node:fs";
import { Kernel } from "./kernel.ts";
import type { Connection } from "./sockets.ts";

const PARENT_POLL_MS = 1000;

const file = process.argv[2];
if (file === undefined) {
  console.error("expected the path of a connection file: this program is started by Jupyter (`braid lab`)");
  process.exit(2);
}

const connection = readConnection(file);
const kernel = new Kernel(connection, process.cwd(), () => void shutdown());
await kernel.start(connection);

process.on("SIGINT", () => kernel.interrupt());
process.on("SIGTERM", () => void shutdown());

endWithParent();

/** A Jupyter server that was killed tells nobody: it names its process so that kernels can look. */
function endWithParent(): void {
  const parent = Number(process.env["JPY_PARENT_PID"]);
  const isAlive = () => {
    try {
      return process.kill(parent, 0);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EPERM";
    }
  };
  if (!Number.isInteger(parent) || parent < 2 || !isAlive()) return;
  setInterval(() => {
    if (!isAlive()) void shutdown();
  }, PARENT_POLL_MS).unref();
}

async function shutdown(): Promise<void> {
  await kernel.stop();
  // ZMQ gets a moment to hand over the last messages.
  setTimeout(() => process.exit(0), 20);
}

function readConnection(file: string): Connection {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")) as Connection;
  } catch (error) {
    console.error(`expected a connection file, got ${file}: ${(error as Error).message}`);
    process.exit(2);
  }
}
