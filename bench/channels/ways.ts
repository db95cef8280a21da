// The ways for messages between threads of JavaScript, all in the same words: what a thread is given, and what it sends and
// receives with.

import { MessageChannel, receiveMessageOnPort, type MessagePort, type Transferable } from "node:worker_threads";
import { rival } from "../pool/tasks/rival.mjs";

export const BATCH = 64;
const SCHEMA = { id: "i32", name: "string", values: "f64[]" };

export interface Sender {
  send(value: unknown): void;
  /** To be called at the end of a run. */
  flush?(): void;
}

/** It blocks, or is told by events: `each` resolves when so many have come. */
export type Receiver = { recv(): unknown } | { each(count: number, take: (value: unknown) => void): Promise<void> };

export interface Way {
  /** What the threads at the two ends are given. */
  open(capacity: number): Promise<{ sender: unknown; receiver: unknown; transfer?: Transferable[] }>;
  sender(given: unknown): Promise<Sender>;
  receiver(given: unknown): Promise<Receiver>;
}

/** Waits for other threads by looking again. */
function until<T>(attempt: () => T | undefined): T {
  for (;;) {
    const got = attempt();
    if (got !== undefined) return got;
    Atomics.pause();
  }
}

function braid(options: object = {}): Way {
  const arrive = async (given: unknown): Promise<Sender & { recv(): unknown }> => {
    const { Channel, unship } = await import("braid");
    return (Channel as never as { [unship]: (data: unknown) => never })[unship](given);
  };
  return {
    async open(capacity) {
      const { Channel, ship } = await import("braid");
      const { data } = (new Channel(capacity, options) as never as Record<symbol, () => { data: unknown }>)[ship]!();
      return { sender: data, receiver: data };
    },
    sender: arrive,
    receiver: arrive,
  };
}

/** Messages are gathered, and go as one list. */
const batched = (send: (list: unknown[]) => void): Sender => {
  let list: unknown[] = [];
  const flush = (): void => {
    if (list.length > 0) send(list);
    list = [];
  };
  return {
    send(value) {
      list.push(value);
      if (list.length === BATCH) flush();
    },
    flush,
  };
};

/** Takes lists apart. */
function unpacked(next: () => unknown[]): Receiver {
  let [list, at] = [[] as unknown[], 0];
  return {
    recv() {
      if (at === list.length) [list, at] = [next(), 0];
      return list[at++];
    },
  };
}

const ports = async (): Promise<{ sender: MessagePort; receiver: MessagePort; transfer: MessagePort[] }> => {
  const { port1: sender, port2: receiver } = new MessageChannel();
  return { sender, receiver, transfer: [sender, receiver] };
};
const posts = async (given: unknown): Promise<Sender> => ({
  send: (value) => (given as MessagePort).postMessage(value),
});

/** By the events of a port. */
async function listening(given: unknown): Promise<Receiver & { each: unknown }> {
  let [left, take, done] = [0, (() => {}) as (value: unknown) => void, (): void => {}];
  (given as MessagePort).on("message", (value) => {
    take(value);
    if (--left === 0) done();
  });
  return {
    each(count, each) {
      [left, take] = [count, each];
      return new Promise((resolve) => (done = resolve));
    },
  };
}

interface RingBuffer {
  push(values: Float64Array): number;
  pop(values: Float64Array): number;
}
interface RingBufferClass {
  new (memory: unknown, type: unknown): RingBuffer;
  getStorageForCapacity(capacity: number, type: unknown): SharedArrayBuffer;
}

function ringbuf(size: number): Way {
  const { RingBuffer } = rival("ringbuf.js") as { RingBuffer: RingBufferClass };
  const values = new Float64Array(size);
  return {
    async open(capacity) {
      const memory = RingBuffer.getStorageForCapacity(capacity, Float64Array);
      return { sender: memory, receiver: memory };
    },
    async sender(given) {
      const ring = new RingBuffer(given, Float64Array);
      let count = 0;
      const flush = (): void => {
        // It takes as many as there is room for.
        for (let from = 0; from < count;) from += until(() => ring.push(values.subarray(from, count)) || undefined);
        count = 0;
      };
      return {
        send(value) {
          values[count++] = value as number;
          if (count === size) flush();
        },
        flush,
      };
    },
    async receiver(given) {
      const ring = new RingBuffer(given, Float64Array);
      let [count, at] = [0, 0];
      return {
        recv() {
          if (at === count) [count, at] = [until(() => ring.pop(values) || undefined), 0];
          return values[at++];
        },
      };
    },
  };
}

export const WAYS: Record<string, () => Way> = {
  Braid: () => braid(),
  "Braid, schema": () => braid({ schema: SCHEMA }),

  /** Only for whole batches: the thread has no time to send what is left of one. */
  "Braid, batches": () => braid({ batch: BATCH }),

  postMessage: () => ({ open: ports, sender: posts, receiver: listening }),

  "postMessage, lists": () => ({
    open: ports,
    sender: async (given) => batched((list) => (given as MessagePort).postMessage(list)),
    async receiver(given) {
      const { each } = (await listening(given)) as { each(count: number, take: (list: never) => void): Promise<void> };
      return { each: (count, take) => each(Math.ceil(count / BATCH), (list: unknown[]) => list.forEach(take)) };
    },
  }),

  receiveMessageOnPort: () => ({
    open: ports,
    sender: posts,
    // The port can't be waited for: it is asked again and again.
    receiver: async (given) => ({
      recv: () => until(() => receiveMessageOnPort(given as MessagePort))!.message as unknown,
    }),
  }),

  "receiveMessageOnPort, lists": () => ({
    open: ports,
    sender: async (given) => batched((list) => (given as MessagePort).postMessage(list)),
    receiver: async (given) =>
      unpacked(() => until(() => receiveMessageOnPort(given as MessagePort))!.message as unknown[]),
  }),

  "ringbuf.js": () => ringbuf(1),
  "ringbuf.js, lists": () => ringbuf(BATCH),
};
