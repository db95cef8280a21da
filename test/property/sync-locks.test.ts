// Mutex and RwLock against a plain model: who holds, and two queues of those who wait. Guarded against a plain value.

import fc from "fast-check";
import { expect, it } from "vitest";
import { CancelledError, DeadlockError, Guarded, Mutex, RwLock, TimeoutError, type Guard } from "../../lib/index.ts";

type Kind = "read" | "write";
type Step =
  { do: "try" | "block" | "late" | "wait"; kind: Kind } | { do: "unlock" | "abort"; which: number; kind: Kind };

const which = fc.nat({ max: 20 });
const stepsOf = (...kinds: Kind[]): fc.Arbitrary<Step[]> => {
  const kind = fc.constantFrom(...kinds);
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constantFrom("try" as const, "block" as const, "late" as const), kind }),
    fc.record({ do: fc.constant("wait" as const), kind }),
    fc.record({ do: fc.constantFrom("unlock" as const, "unlock" as const, "abort" as const), which, kind }),
  );
  return fc.array(step, { maxLength: 40 });
};

interface Forms {
  block(options?: { timeoutMs?: number }): Guard;
  wait(options: { timeoutMs?: number; signal?: AbortSignal }): Promise<Guard>;
  try(): Guard | undefined;
}

interface Waiting {
  abort: AbortController;
  outcome: Promise<Guard | CancelledError>;
  isOver: boolean;
}

async function check(forms: Record<Kind, Forms>, steps: readonly Step[]): Promise<void> {
  const held: Record<Kind, Guard[]> = { read: [], write: [] };
  const queues: Record<Kind, Waiting[]> = { read: [], write: [] };
  const isFree = (kind: Kind): boolean =>
    held.write.length === 0 &&
    queues.write.length === 0 &&
    (kind === "read" ? queues.read.length === 0 : held.read.length === 0);
  const grant = async (kind: Kind): Promise<void> => {
    held[kind].push((await queues[kind].shift()!.outcome) as Guard);
  };
  const settle = async (): Promise<void> => {
    if (held.write.length === 0 && held.read.length === 0 && queues.write.length > 0) await grant("write");
    while (held.write.length === 0 && queues.write.length === 0 && queues.read.length > 0) await grant("read");
    await new Promise((go) => setImmediate(go));
    expect([...queues.read, ...queues.write].some(({ isOver }) => isOver)).toBe(false);
  };
  for (const step of steps) {
    const { kind } = step;
    const form = forms[kind];
    if (step.do === "try") {
      const guard = form.try();
      expect(guard !== undefined).toBe(isFree(kind));
      if (guard) held[kind].push(guard);
    } else if (step.do === "block") {
      // All others are of this thread: it would wait for itself.
      if (isFree(kind)) held[kind].push(form.block());
      else expect(() => form.block()).toThrow(DeadlockError);
    } else if (step.do === "late") {
      const late = form.wait({ timeoutMs: 0 });
      if (isFree(kind)) held[kind].push(await late);
      else await expect(late).rejects.toThrow(TimeoutError);
    } else if (step.do === "wait") {
      const abort = new AbortController();
      const waiting: Waiting = { abort, isOver: false, outcome: undefined! };
      waiting.outcome = form.wait({ signal: abort.signal }).catch((error: CancelledError) => error);
      void waiting.outcome.then(() => (waiting.isOver = true));
      queues[kind].push(waiting);
    } else if (step.do === "unlock" && held[kind].length > 0) {
      const [guard] = held[kind].splice(step.which % held[kind].length, 1);
      guard![Symbol.dispose]();
    } else if (step.do === "abort" && queues[kind].length > 0) {
      const [left] = queues[kind].splice(step.which % queues[kind].length, 1);
      left!.abort.abort("left");
      expect(await left!.outcome).toBeInstanceOf(CancelledError);
    }
    await settle();
  }
  for (const { abort, outcome } of [...queues.read, ...queues.write]) {
    abort.abort();
    await outcome;
  }
}

it("a mutex has one holder and a queue", async () => {
  await fc.assert(
    fc.asyncProperty(stepsOf("write"), async (steps) => {
      const mutex = new Mutex();
      const forms: Forms = {
        block: (options) => mutex.lock(options),
        wait: (options) => mutex.lockAsync(options),
        try: () => mutex.tryLock(),
      };
      await check({ read: forms, write: forms }, steps);
    }),
    { numRuns: 150 },
  );
});

it("a lock of readers and writers has many of those or one of these, and writers wait in front", async () => {
  await fc.assert(
    fc.asyncProperty(stepsOf("read", "write"), async (steps) => {
      const lock = new RwLock();
      await check(
        {
          read: {
            block: (options) => lock.read(options),
            wait: (options) => lock.readAsync(options),
            try: () => lock.tryRead(),
          },
          write: {
            block: (options) => lock.write(options),
            wait: (options) => lock.writeAsync(options),
            try: () => lock.tryWrite(),
          },
        },
        steps,
      );
    }),
    { numRuns: 150 },
  );
});

it("a guarded value is what was put there last", () => {
  const value = fc.oneof(
    fc.double(),
    fc.string({ unit: "binary", maxLength: 3000 }),
    fc.jsonValue(),
    fc.bigInt(),
    fc.date(),
    fc.uint8Array(),
    fc.float64Array(),
    fc.constantFrom(undefined, null, new Map([[1, new Set(["a"])]])),
  );
  fc.assert(
    fc.property(value, fc.array(value), (first, values) => {
      const guarded = new Guarded<unknown>(first);
      let before: unknown = first;
      for (const next of values) {
        using guard = guarded.lock();
        expect(guard.value).toEqual(before);
        guard.value = next;
        before = next;
      }
      using guard = guarded.lock();
      expect(guard.value).toEqual(before);
    }),
    { numRuns: 150 },
  );
});
