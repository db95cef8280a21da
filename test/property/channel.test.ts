// A channel does what a plain queue does, whatever is done in whatever order; and messages by a schema come back as they went.

import fc from "fast-check";
import { expect, it } from "vitest";
import { Channel, ChannelClosedError } from "../../lib/index.ts";

const value = fc.oneof(
  fc.double(),
  fc.string(),
  fc.constantFrom(undefined, null, true, false),
  fc.array(fc.integer(), { maxLength: 5 }),
  fc.record({ id: fc.integer(), name: fc.string() }),
  fc.uint8Array({ maxLength: 3000 }),
);
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ send: value }) },
  { weight: 5, arbitrary: fc.constant("receive" as const) },
  { weight: 1, arbitrary: fc.constant("close" as const) },
);

it("is a queue of its capacity", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 5, Infinity),
      fc.boolean(),
      fc.array(action, { maxLength: 400 }),
      (capacity, isLong, actions) => {
        const channel = new Channel<unknown>(capacity);
        const model: unknown[] = [];
        let isClosed = false;
        // Long ones go around the ring.
        for (const one of isLong ? [...actions, ...actions, ...actions] : actions) {
          if (one === "receive") {
            const got = channel.tryRecv();
            if (model.length > 0) expect(got).toEqual({ ok: true, value: model.shift() });
            else expect(got).toEqual({ ok: false, closed: isClosed });
          } else if (one === "close") {
            if (isLong) continue;
            if (isClosed) expect(() => channel.close()).toThrow(ChannelClosedError);
            else channel.close();
            isClosed = true;
          } else if (isClosed) expect(() => channel.trySend(one.send)).toThrow(ChannelClosedError);
          else {
            expect(channel.trySend(one.send)).toBe(model.length < capacity);
            if (model.length < capacity) model.push(one.send);
          }
          expect([channel.length, channel.isClosed]).toEqual([model.length, isClosed]);
        }
      },
    ),
    { numRuns: 60 },
  );
});

it("gives asynchronous waits their turn in the order of asking", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(0, 1, 3), fc.array(fc.boolean(), { maxLength: 60 }), async (capacity, actions) => {
      const channel = new Channel<number>(capacity);
      const sends = actions.filter(Boolean).length;
      const count = Math.min(sends, actions.length - sends);
      const sent: Promise<void>[] = [];
      const received: Promise<number>[] = [];
      for (const isSend of actions)
        if (isSend && sent.length < count) sent.push(channel.sendAsync(sent.length));
        else if (!isSend && received.length < count) received.push(channel.recvAsync());
      await Promise.all(sent);
      expect(await Promise.all(received)).toEqual(Array.from({ length: count }, (_, n) => n));
    }),
    { numRuns: 60 },
  );
});

it("writes by its schema what can be read again", () => {
  const schema = { id: "i32", big: "f64", small: "u8", name: "string", on: "bool", values: "f64[]", names: "string[]" };
  const message = fc.record({
    id: fc.integer(),
    big: fc.double(),
    small: fc.integer({ min: 0, max: 255 }),
    name: fc.string({ unit: "binary" }),
    on: fc.boolean(),
    values: fc.array(fc.double()),
    names: fc.array(fc.string()),
  });
  const channel = new Channel<object>(3, { schema });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 3 }), (messages) => {
      channel.sendMany(messages);
      for (const one of messages) expect(channel.recv()).toEqual(one);
    }),
    { numRuns: 200 },
  );
});

it("is a queue in batches, too", async () => {
  const run = fc.array(fc.oneof({ weight: 4, arbitrary: fc.double() }, { weight: 1, arbitrary: value }), {
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 9 }),
      fc.array(fc.tuple(run, fc.nat({ max: 30 })), { maxLength: 20 }),
      async (batch, turns) => {
        const channel = new Channel<unknown>(10_000, { batch });
        const model: unknown[] = [];
        for (const [values, most] of turns) {
          channel.sendMany(values);
          model.push(...values);
          // What is gathered goes when this code has come to its end.
          await Promise.resolve();
          for (let n = 0; n < most && model.length > 0; n++) expect(channel.recv()).toEqual(model.shift());
        }
        channel.close();
        expect([...channel]).toEqual(model);
      },
    ),
    { numRuns: 60 },
  );
});
