// One way in one task, in a process of its own: `child.ts task way count`. Its threads stay for all runs; the clock runs
// from the moment at which they are told to begin until all have done their part. With BENCH_PIN each has a core of its own.

import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { repeat, report } from "../repeat.ts";
import { multithreading } from "./multithreading.ts";
import { WAYS, type Receiver, type Sender } from "./ways.ts";

interface Task {
  capacity: number;
  producers: number;
  consumers: number;
  isTrip?: boolean;
  message(i: number): unknown;
  weigh(message: never): number;
}

const number = { message: (i: number) => i, weigh: (i: number) => i };
const object = {
  message(i: number) {
    // In a loop: Array.from() alone would take longer than sending it.
    const values: number[] = [];
    for (let at = 0; at < 10; at++) values.push(i + at);
    return { id: i, name: `parcel ${i}`, values };
  },
  weigh({ id, name, values }: { id: number; name: string; values: number[] }) {
    let sum = id + name.length;
    for (const value of values) sum += value;
    return sum;
  },
};

export const TASKS: Record<string, Task> = {
  stream: { capacity: 1024, producers: 1, consumers: 1, ...number },
  four: { capacity: 1024, producers: 2, consumers: 2, ...number },
  rendezvous: { capacity: 0, producers: 1, consumers: 1, ...number },
  objects: { capacity: 1024, producers: 1, consumers: 1, ...object },
  trip: { capacity: 16, producers: 1, consumers: 1, isTrip: true, ...number },
};

/** What all messages weigh together. */
export function weightOf({ message, weigh }: Task, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += weigh(message(i) as never);
  return sum;
}

/** Words of the memory that coordinates the threads: which run it is, how many are ready or have done their part. */
const [RUN, DONE] = [0, 1];

interface Given {
  words: Int32Array<SharedArrayBuffer>;
  weights: Float64Array<SharedArrayBuffer>;
  task: string;
  way: string;
  count: number;
  index: number;
  sender: unknown;
  receiver: unknown;
}

async function coordinate(taskName: string, way: string, count: number): Promise<number> {
  const task = TASKS[taskName]!;
  const { open } = WAYS[way]!();
  const words = new Int32Array(new SharedArrayBuffer(8));
  const weights = new Float64Array(new SharedArrayBuffer(8 * 4));
  const [there, back] = [await open(task.capacity), task.isTrip ? await open(task.capacity) : undefined];
  const threads = task.producers + task.consumers;
  const expected = weightOf(task, count);
  for (let index = 0; index < threads; index++) {
    const isProducer = index < task.producers;
    // In a trip each end sends and receives.
    const sender = isProducer ? there.sender : back?.sender;
    const receiver = isProducer ? back?.receiver : there.receiver;
    const transferList = [there, back].flatMap((link) =>
      (link?.transfer ?? []).filter((port) => port === sender || port === receiver),
    );
    const given: Given = { words, weights, task: taskName, way, count, index, sender, receiver };
    new Worker(new URL(import.meta.url), { workerData: given, transferList }).on("error", (error) => {
      console.error(error);
      process.exit(1);
    });
  }
  const all = async (): Promise<void> => {
    for (let done = 0; (done = Atomics.load(words, DONE)) < threads;)
      await Atomics.waitAsync(words, DONE, done, 1000).value;
  };
  await all();
  return repeat(async () => {
    Atomics.store(words, DONE, 0);
    const start = performance.now();
    Atomics.add(words, RUN, 1);
    Atomics.notify(words, RUN);
    await all();
    const took = performance.now() - start;
    const weight = weights.reduce((sum, one) => sum + one, 0);
    if (weight !== expected) throw new Error(`the messages weigh ${weight} instead of ${expected}`);
    return (took / count) * 1e6;
  });
}

function pin(index: number): void {
  // Node has no name for it: this file leads to the thread that opens it.
  const thread = readlinkSync("/proc/thread-self").split("/").at(-1)!;
  const { status } = spawnSync("taskset", ["-pc", String(index % 2), thread]);
  if (status !== 0) throw new Error("taskset could not pin a thread");
}

async function takePart({ words, weights, task: taskName, way, count, index, ...given }: Given): Promise<void> {
  if (process.env["BENCH_PIN"]) pin(index);
  const { producers, consumers, isTrip = false, message, weigh } = TASKS[taskName]!;
  const ways = WAYS[way]!();
  const sender = given.sender === undefined ? undefined : await ways.sender(given.sender);
  const receiver = given.receiver === undefined ? undefined : await ways.receiver(given.receiver);
  const isProducer = index < producers;
  const share = count / (isProducer ? producers : consumers);
  const run = isTrip
    ? (): Promise<number> | number => trips(isProducer, sender!, receiver!, share)
    : isProducer
      ? (): number => produce(sender!, message, isProducer ? index * share : 0, share)
      : (): Promise<number> | number => consume(receiver!, weigh as never, share);
  for (let round = 0; ; round++) {
    Atomics.add(words, DONE, 1);
    Atomics.notify(words, DONE);
    Atomics.wait(words, RUN, round);
    weights[index] = await run();
  }
}

function produce(sender: Sender, message: (i: number) => unknown, from: number, count: number): number {
  for (let i = from; i < from + count; i++) sender.send(message(i));
  sender.flush?.();
  return 0;
}

function consume(receiver: Receiver, weigh: (message: unknown) => number, count: number): Promise<number> | number {
  let sum = 0;
  if ("each" in receiver) return receiver.each(count, (value) => void (sum += weigh(value))).then(() => sum);
  for (let i = 0; i < count; i++) sum += weigh(receiver.recv());
  return sum;
}

/** The asker weighs the answers, which are the questions. */
function trips(isAsker: boolean, sender: Sender, receiver: Receiver, count: number): Promise<number> | number {
  let sum = 0;
  if ("each" in receiver) {
    if (!isAsker) return receiver.each(count, (value) => sender.send(value)).then(() => 0);
    let next = 1;
    const answers = receiver.each(count, (value) => {
      sum += value as number;
      if (next < count) sender.send(next++);
    });
    sender.send(0);
    return answers.then(() => sum);
  }
  for (let i = 0; i < count; i++) {
    if (isAsker) sender.send(i);
    const value = receiver.recv();
    if (isAsker) sum += value as number;
    else sender.send(value);
  }
  return sum;
}

if (!isMainThread) await takePart(workerData as Given);
else if (import.meta.main) {
  const [task = "", way = "", text = ""] = process.argv.slice(2);
  const count = Number(text);
  report(
    await (way === "multithreading"
      ? multithreading(TASKS[task]!, count, weightOf(TASKS[task]!, count))
      : coordinate(task, way, count)),
  );
}
