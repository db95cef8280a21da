// The channel of multithreading, which goes only to threads that it has started itself.

import { rival } from "../pool/tasks/rival.mjs";
import { repeat } from "../repeat.ts";

interface End {
  clone(): End;
}
interface Sender {
  blockingSend(value: unknown): unknown;
}
interface Receiver {
  blockingRecv(): { ok: boolean; value: unknown };
}
type Outcome = { ok: true; value: number } | { ok: false; error: unknown };
interface Multithreading {
  initRuntime(config: { maxWorkers: number }): void;
  move(...args: unknown[]): unknown;
  spawn(args: unknown, fn: (...args: never[]) => unknown): { join(): Promise<Outcome> };
  channel(capacity: number): [End, End];
}

interface Task {
  capacity: number;
  producers: number;
  consumers: number;
  message(i: number): unknown;
}

/** ns a message. */
export function multithreading(
  { capacity, producers, consumers, message }: Task,
  count: number,
  weight: number,
): Promise<number> {
  const { initRuntime, move, spawn, channel } = rival("multithreading") as Multithreading;
  const isObject = typeof message(0) === "object";
  initRuntime({ maxWorkers: producers + consumers });
  return repeat(async () => {
    const [sender, receiver] = channel(capacity);
    const start = performance.now();
    const threads = [
      ...Array.from({ length: producers }, (_, n) =>
        spawn(
          move(sender.clone(), n, count / producers, isObject),
          (to: Sender, index: number, share: number, big: boolean) => {
            for (let i = index * share; i < (index + 1) * share; i++)
              to.blockingSend(
                big ? { id: i, name: `parcel ${i}`, values: Array.from({ length: 10 }, (_0, at) => i + at) } : i,
              );
            return 0;
          },
        ),
      ),
      ...Array.from({ length: consumers }, () =>
        spawn(move(receiver.clone(), count / consumers), (from: Receiver, share: number) => {
          let sum = 0;
          for (let i = 0; i < share; i++) {
            const value = from.blockingRecv().value as number | { id: number; name: string; values: number[] };
            if (typeof value === "number") sum += value;
            else sum += value.id + value.name.length + value.values.reduce((all, one) => all + one, 0);
          }
          return sum;
        }),
      ),
    ];
    let sum = 0;
    const joined = threads.map(async (thread) => {
      const outcome = await thread.join();
      if (!outcome.ok) throw outcome.error;
      sum += outcome.value;
    });
    await Promise.all(joined);
    const took = performance.now() - start;
    if (sum !== weight) throw new Error(`the messages weigh ${sum} instead of ${weight}`);
    return (took / count) * 1e6;
  });
}
