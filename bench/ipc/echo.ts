// The other end of each way: gives small messages back, and of large ones, when the last has come, how many bytes came and
// what they add up to. `echo.ts way …`

import { ipc, type Incoming, type Outgoing } from "braid";

export const SMALL = 64;
export const LARGE = 1_000_000;
export const LARGE_COUNT = 100;

/** One number that depends on how many large messages came, and on what is in them. */
export class Tally {
  #count = 0;
  #sum = 0;

  /** The whole, when the last has come. */
  add(bytes: Uint8Array): number | undefined {
    this.#sum = (Math.imul(this.#sum, 31) + bytes.length + bytes[0]! + bytes.at(-1)!) >>> 0;
    if (++this.#count < LARGE_COUNT) return undefined;
    const sum = this.#sum;
    this.#count = this.#sum = 0;
    return sum;
  }
}

/** What goes back for what came. */
export function answer(tally: Tally, bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length === SMALL) return bytes;
  const sum = tally.add(bytes);
  return sum === undefined ? undefined : new Uint8Array(Uint32Array.of(sum).buffer);
}

async function serve(incoming: Incoming<Uint8Array>, outgoing: Outgoing<Uint8Array>): Promise<void> {
  const tally = new Tally();
  for await (const bytes of incoming) {
    const back = answer(tally, bytes);
    if (back) await outgoing.send(back);
  }
}

/** At 0 the number of the request, at 4 that of the answer, at 8 the length, then the bytes. */
function serveShared(path: string): void {
  const file = ipc.openSharedFile(path);
  const tally = new Tally();
  const words = new Int32Array(3);
  const buffer = new Uint8Array(LARGE);
  for (let done = 0; ;) {
    file.read(0, words);
    const [request, , length] = words as unknown as [number, number, number];
    if (request === done) continue;
    if (request < 0) return;
    const bytes = file.read(12, buffer.subarray(0, length));
    const back = answer(tally, bytes);
    if (back) file.write(12, back);
    file.write(4, Int32Array.of((done = request)));
  }
}

if (import.meta.main) {
  const [way = "", ...args] = process.argv.slice(2);
  if (way === "stdio") {
    const link = ipc.stdio({ format: "bytes" });
    await serve(link, link);
  } else if (way === "bare stdio") process.stdin.pipe(process.stdout);
  else if (way === "fifo") {
    const incoming = await ipc.openFifo(args[0]!).reader({ format: "bytes" });
    await serve(incoming, await ipc.openFifo(args[1]!).writer({ format: "bytes" }));
  } else if (way === "socket") {
    const link = await ipc.connect(JSON.parse(args[0]!) as { port: number }, { format: "bytes" });
    await serve(link, link);
  } else if (way === "shared") serveShared(args[0]!);
  else if (way === "messages") {
    const link = ipc.messages<Uint8Array>(process);
    await serve(link, link);
  } else if (way === "bare messages") {
    const tally = new Tally();
    process.on("message", (message: Uint8Array | string | { id: number; args: [number, number] }) => {
      if (typeof message === "object" && "id" in message)
        return process.send!({ id: message.id, value: message.args[0] + message.args[1] });
      const back = answer(tally, typeof message === "string" ? Buffer.from(message, "latin1") : message);
      if (back) process.send!(typeof message === "string" ? Buffer.from(back).toString("latin1") : back);
    });
  }
}
