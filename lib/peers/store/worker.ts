// The store that is there where no other is installed: a server on a thread of its own, which speaks as much of Redis's
// protocol as our client does. The thread's data is the path of the socket to listen at.

import { createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { lineReader } from "./line-reader.ts";

const values = new Map<string, Uint8Array>();

/** What it answers; a value is several parts, so that it isn't copied. */
function answer([name, key, value]: readonly Uint8Array[]): (string | Uint8Array)[] {
  const command = Buffer.from(name ?? [])
    .toString()
    .toUpperCase();
  const id = Buffer.from(key ?? []).toString();
  if (command === "PING") return ["+PONG\r\n"];
  if (command === "GET" && key) {
    const found = values.get(id);
    return found ? [`$${found.length}\r\n`, found, "\r\n"] : ["$-1\r\n"];
  }
  if (command === "SET" && key && value) {
    values.set(id, value);
    return ["+OK\r\n"];
  }
  if (command === "DEL" && key) return [`:${values.delete(id) ? 1 : 0}\r\n`];
  return [`-ERR unknown command or wrong number of arguments: '${command.slice(0, 20)}'\r\n`];
}

function serve(socket: Socket): void {
  let parts: Uint8Array[] = [];
  let count = 0;
  const read = lineReader(
    (line) => {
      if (line[0] === "$") return Number(line.slice(1));
      if (line[0] !== "*") throw new Error("not the protocol");
      count = Number(line.slice(1));
      return undefined;
    },
    (bytes) => {
      parts.push(bytes);
      if (parts.length < count) return;
      const command = parts;
      parts = [];
      socket.cork();
      for (const part of answer(command)) socket.write(part);
      socket.uncork();
    },
  );
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    try {
      read(chunk);
    } catch {
      socket.end("-ERR Protocol error\r\n");
    }
  });
}

createServer(serve).listen(workerData as string, () => parentPort!.postMessage("listening"));
