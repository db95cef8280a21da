// The kernel's process: `node main.js CONNECTION_FILE`, as the kernelspec says.

import fs from "node:fs";
import { Kernel } from "./kernel.ts";
import type { Connection } from "./sockets.ts";

const file = process.argv[2];
if (file === undefined) {
  console.error("expected the path of a connection file: this program is started by Jupyter (`braid lab`)");
  process.exit(2);
}

const connection = JSON.parse(fs.readFileSync(file, "utf8")) as Connection;
const kernel = new Kernel(connection, process.cwd(), () => void shutdown());
await kernel.start(connection);

process.on("SIGINT", () => kernel.interrupt());
process.on("SIGTERM", () => void shutdown());

async function shutdown(): Promise<void> {
  await kernel.stop();
  // ZMQ gets a moment to hand over the last messages.
  setTimeout(() => process.exit(0), 20);
}
