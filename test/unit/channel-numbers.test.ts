// Numbers in a channel with much room: who receives looks far ahead, and knows what it has seen there, until somebody else
// sends, or something else.

import { expect, it } from "vitest";
import { Channel, spawn } from "../../lib/index.ts";

const MANY = 400;
const numbers = (from: number, count = MANY): number[] => Array.from({ length: count }, (_, n) => from + n);

function send(channel: Channel<unknown>, values: unknown[]): void {
  for (const value of values) channel.send(value);
}

function receive(channel: Channel<unknown>, count: number): unknown[] {
  return Array.from({ length: count }, () => channel.recv());
}

it("come in order, lap after lap, whatever number they are", () => {
  const channel = new Channel<unknown>(1000);
  for (let lap = 0; lap < 20; lap++) {
    const values = [...numbers(lap * MANY), -0, NaN, Infinity, 2 ** 53, 0.1];
    send(channel, values);
    expect(receive(channel, values.length)).toEqual(values);
  }
  expect(channel.length).toBe(0);
});

it("come in order where another thread goes on while they are received", () => {
  const channel = new Channel<unknown>(1000);
  send(channel, numbers(0));
  // Now it has seen what is there.
  expect(receive(channel, 200)).toEqual(numbers(0, 200));
  spawn(() => {
    for (let n = 0; n < 400; n++) channel.send(-n);
  }).join();
  send(channel, numbers(MANY, 100));
  const rest = [...numbers(200, 200), ...numbers(0).map((n) => -n), ...numbers(MANY, 100)];
  expect(receive(channel, rest.length)).toEqual(rest);
});

it("come in order where other values come between", () => {
  const channel = new Channel<unknown>(1000);
  send(channel, numbers(0));
  expect(receive(channel, 150)).toEqual(numbers(0, 150));
  const others = ["a", { b: 1 }, ...numbers(1000, 300), null];
  send(channel, others);
  channel.close();
  expect([...channel]).toEqual([...numbers(150, 250), ...others]);
});

it("are each received once by several threads that have seen the same", () => {
  const channel = new Channel<number>(1000);
  send(channel as Channel<unknown>, numbers(0, 1000));
  channel.close();
  const threads = [0, 1].map(() => spawn(() => [...channel]));
  const got = threads.map((thread) => thread.join());
  for (const of of got) expect(of).toEqual(of.toSorted((a, b) => a - b));
  expect(got.flat().toSorted((a, b) => a - b)).toEqual(numbers(0, 1000));
});

it("are left in the channel by a loop that ends early", () => {
  const channel = new Channel<number>(1000);
  send(channel as Channel<unknown>, numbers(0, 10));
  channel.close();
  const messages = channel[Symbol.iterator]() as IterableIterator<number>;
  for (const n of messages) if (n === 3) break;
  expect([...messages]).toEqual([]);
  expect([...channel]).toEqual(numbers(4, 6));
  expect(messages.next()).toEqual({ done: true, value: undefined });
});
