// Semaphore against a number and a list of those who wait.

import fc from "fast-check";
import { expect, it } from "vitest";
import { CancelledError, Semaphore, TimeoutError, type Guard } from "../../lib/index.ts";

type Step =
  | { do: "try" | "block" | "late" }
  | { do: "wait"; limited: boolean }
  | { do: "release"; n: number }
  | { do: "dispose" | "abort"; which: number };

const which = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>({ do: "try" }, { do: "block" }, { do: "late" }),
  fc.boolean().map((limited): Step => ({ do: "wait", limited })),
  fc.integer({ min: 1, max: 4 }).map((n): Step => ({ do: "release", n })),
  which.map((n): Step => ({ do: "dispose", which: n })),
  which.map((n): Step => ({ do: "abort", which: n })),
);

interface Waiting {
  abort: AbortController;
  outcome: Promise<Guard | CancelledError>;
  isOver: boolean;
}

it("a semaphore is a number of permits and a queue", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 3 }), fc.array(step, { maxLength: 40 }), async (permits, steps) => {
      const semaphore = new Semaphore(permits);
      let free = permits;
      const queue: Waiting[] = [];
      const held: Guard[] = [];
      /** Those in front get what there is, and nobody else. */
      const settle = async (): Promise<void> => {
        while (free > 0 && queue.length > 0) {
          free--;
          held.push((await queue.shift()!.outcome) as Guard);
        }
        expect(queue.some(({ isOver }) => isOver)).toBe(false);
        expect(semaphore.available).toBe(free);
      };
      for (const one of steps) {
        if (one.do === "try") {
          const guard = semaphore.tryAcquire();
          expect(guard !== undefined).toBe(free > 0);
          if (guard) held.push(guard);
          if (guard) free--;
        } else if (one.do === "block") {
          if (free > 0) held.push(semaphore.acquire());
          else expect(() => semaphore.acquire({ timeoutMs: 0.01 })).toThrow(TimeoutError);
          if (free > 0) free--;
        } else if (one.do === "late") {
          const late = semaphore.acquireAsync({ timeoutMs: 0 });
          if (free === 0) await expect(late).rejects.toThrow(TimeoutError);
          else held.push(await late);
          if (free > 0) free--;
        } else if (one.do === "wait") {
          const abort = new AbortController();
          const options = { signal: abort.signal, ...(one.limited && { timeoutMs: 1e6 }) };
          const waiting: Waiting = { abort, isOver: false, outcome: undefined! };
          waiting.outcome = semaphore.acquireAsync(options).catch((error: CancelledError) => error);
          void waiting.outcome.then(() => (waiting.isOver = true));
          queue.push(waiting);
        } else if (one.do === "release") {
          semaphore.release(one.n);
          free += one.n;
        } else if (one.do === "dispose" && held.length > 0) {
          // A guard that was disposed of stays in the list: again does nothing.
          const guard = held[one.which % held.length]! as Guard & { isOver?: boolean };
          guard[Symbol.dispose]();
          if (!guard.isOver) free++;
          guard.isOver = true;
        } else if (one.do === "abort" && queue.length > 0) {
          const [left] = queue.splice(one.which % queue.length, 1);
          left!.abort.abort("left");
          expect(await left!.outcome).toBeInstanceOf(CancelledError);
        }
        await settle();
      }
      for (const { abort, outcome } of queue) {
        abort.abort();
        await outcome;
      }
    }),
    { numRuns: 300 },
  );
});
