// The virtual clock, and the two simulations that stand on it: exact.

import fc from "fast-check";
import { expect, it } from "vitest";
import { plot, sim, type GilSegment } from "../../lib/index.ts";

it("runs events in order of time, equal ones as planned", () => {
  const times = fc.array(fc.nat({ max: 20 }), { maxLength: 60 });
  fc.assert(
    fc.property(times, (plan) => {
      const clock = sim.clock();
      const ran: [number, number][] = [];
      plan.forEach((ms, i) =>
        clock.after(ms, () => {
          expect(clock.now).toBe(ms);
          ran.push([ms, i]);
        }),
      );
      expect(clock.run()).toBe(Math.max(0, ...plan));
      expect(ran).toEqual(plan.map((ms, i) => [ms, i] as const).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
    }),
  );
});

it("moves when all that is asynchronous waits for it", async () => {
  const clock = sim.clock();
  const log: string[] = [];
  const work = async (name: string, ms: number, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await clock.sleep(ms);
      await Promise.resolve();
      log.push(`${name}@${clock.now}`);
    }
  };
  const all = Promise.all([work("a", 30, 3), work("b", 50, 2)]);
  expect(await clock.runAsync()).toBe(100);
  await all;
  expect(log).toEqual(["a@30", "b@50", "a@60", "a@90", "b@100"]);
  expect(() => clock.after(-1, () => {})).toThrow(RangeError);
});

const cpu = (...times: number[]): GilSegment[][] => times.map((time) => [{ cpu: time }]);

it.each([1, 2, 3, 4, 7])("%d tasks that compute: the sum with the lock, the longest without", (n) => {
  const times = Array.from({ length: n }, (_, i) => 20 + 10 * i);
  const sum = times.reduce((a, b) => a + b, 0);
  const locked = sim.gil(cpu(...times));
  const free = sim.gil(cpu(...times), { lock: false });
  expect(locked.makespan).toBe(sum);
  expect(free.makespan).toBe(Math.max(...times));
  expect(free.switches).toBe(0);
  expect(locked.utilisation).toBe(sum / (n * sum));
  expect(free.finish).toEqual(times);
});

it("the lock goes round at the switch interval, each switch at its price", () => {
  const turns = sim.gil(cpu(10, 10));
  const bars = (run: typeof turns): string[] =>
    run.trace
      .filter(({ kind }) => kind === "start" || kind === "end")
      .map(({ kind, thread, atMs }) => `${kind} ${thread} ${atMs}`);
  expect(bars(turns)).toEqual([
    "start 0 0",
    "end 0 5",
    "start 1 5",
    "end 1 10",
    "start 0 10",
    "end 0 15",
    "start 1 15",
    "end 1 20",
  ]);
  expect(turns.switches).toBe(3);
  expect(turns.finish).toEqual([15, 20]);
  const dear = sim.gil(cpu(10, 10), { switchCost: 1 });
  expect([dear.makespan, dear.switches]).toEqual([23, 3]);
  expect(sim.gil(cpu(10, 10), { switchInterval: 100 }).switches).toBe(1);
  expect(sim.gil(cpu(100, 100), { lock: false, cores: 1 }).makespan).toBe(200);
  expect(sim.gil(cpu(100, 100, 100, 100), { lock: false, cores: 2 }).makespan).toBe(200);
  expect(sim.gil(cpu(100, 100, 100, 100), { cores: 4 }).utilisation).toBe(0.25);
  expect(plot.gantt(turns.trace).description).toContain("in 20 ms");
});

it("waiting for I/O gives the lock up: four sleeps take as long as one, and who computes hinders who only waits", () => {
  const sleeps = Array.from({ length: 4 }, () => [{ cpu: 1 }, { io: 1000 }]);
  expect(sim.gil(sleeps).makespan).toBe(1004);
  expect(sim.gil(sleeps, { lock: false }).makespan).toBe(1001);
  // After each wait it needs the lock for a moment, and gets it only after the switch interval.
  const polite = Array.from({ length: 10 }, (): GilSegment[] => [{ io: 1 }, { cpu: 0 }]).flat();
  expect(sim.gil([polite]).makespan).toBe(10);
  const beside = sim.gil([polite, [{ cpu: 200 }]]);
  expect(beside.finish[0]).toBe(60);
  expect(beside.makespan).toBe(200);
});

it("no two bars of computing overlap under the lock, and all is computed", () => {
  const segment = fc.oneof(
    fc.nat({ max: 30 }).map((time): GilSegment => ({ cpu: time })),
    fc.nat({ max: 30 }).map((time): GilSegment => ({ io: time })),
  );
  const options = fc.record({
    lock: fc.boolean(),
    switchInterval: fc.integer({ min: 1, max: 12 }),
    cores: fc.integer({ min: 1, max: 3 }),
    switchCost: fc.nat({ max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(segment, { maxLength: 6 }), { maxLength: 5 }), options, (threads, options) => {
      const run = sim.gil(threads, options);
      const most = options.lock ? 1 : options.cores;
      let inside = 0;
      let sum = 0;
      const began = new Map<number, number>();
      // At the same moment ends come before starts, except those of bars without length.
      for (const { kind, thread, label, atMs } of run.trace) {
        if (kind === "start" && label === "CPU") {
          began.set(thread, atMs);
          expect(++inside).toBeLessThanOrEqual(most);
        } else if (kind === "end" && began.has(thread)) {
          sum += atMs - began.get(thread)!;
          began.delete(thread);
          inside--;
        }
      }
      const total = threads.flat().reduce((all, part) => all + ("cpu" in part ? part.cpu : 0), 0);
      expect(sum).toBe(total);
      expect(run.makespan).toBe(Math.max(0, ...run.finish));
      expect(run.makespan).toBeGreaterThanOrEqual(total / most);
      expect(sim.gil(threads, options)).toEqual(run);
    }),
  );
});

it.each([
  [undefined, {}, TypeError, "an array of threads first, got undefined"],
  [[5], {}, TypeError, "each thread to be an array of segments, got number for thread 0"],
  [[[{ gpu: 1 }]], {}, TypeError, "got { gpu } as segment 0 of thread 0"],
  [[[{ cpu: -1 }]], {}, RangeError, "cpu of segment 0 of thread 0 to be 0 or more, got -1"],
  [[], { switchInterval: 0 }, RangeError, "switchInterval to be more than 0"],
  [[], { switchCost: "1" }, TypeError, "switchCost to be a number, got string"],
  [[], { cores: 0 }, RangeError, "cores"],
  [[], { gil: false }, TypeError, 'no option "gil"'],
])("sim.gil refuses %j with %j", (threads, options, type, message) => {
  expect(() => sim.gil(threads as never, options as never)).toThrow(type);
  expect(() => sim.gil(threads as never, options as never)).toThrow(message);
});

const loader = (capacity: number, workers = 1, items = 100): ReturnType<typeof sim.pipeline> =>
  sim.pipeline({
    items,
    stages: [
      { name: "load", time: 10 },
      { name: "infer", time: 50, capacity, workers },
    ],
  });

it("loader and inference: 6.00 s in sequence, 5.01 s overlapped, the queue full after 130 ms", () => {
  const run = loader(10);
  expect([run.sequential, run.makespan]).toEqual([6000, 5010]);
  const [queue] = run.queues;
  expect(queue).toMatchObject({ name: "load → infer", capacity: 10, maxLength: 10 });
  expect(queue!.lengths.find(({ length }) => length === 10)!.atMs).toBe(130);
  expect(queue!.lengths.at(-1)).toEqual({ atMs: 4960, length: 0 });
  expect(run.stages[1]!.utilisation).toBeCloseTo(5000 / 5010);
  expect(run.stages[0]!.blocked).toBeGreaterThan(0);
  expect(plot.gantt(run.trace, { threadName: (thread) => run.workers[thread]! }).description).toContain(
    "200 tasks on 2 threads in 5,010 ms",
  );
});

it("a larger queue does not make it faster, more workers do, until the loader limits", () => {
  expect([0, 1, 10, 100, Infinity].map((capacity) => loader(capacity).makespan)).toEqual([
    5010, 5010, 5010, 5010, 5010,
  ]);
  expect([0, 1, 10, 100].map((capacity) => loader(capacity).queues[0]!.maxLength)).toEqual([0, 1, 10, 80]);
  expect([1, 2, 3, 4, 5, 6, 8].map((workers) => loader(10, workers).makespan)).toEqual([
    5010, 2520, 1710, 1290, 1050, 1050, 1050,
  ]);
  expect(loader(10, 3, 0)).toMatchObject({ makespan: 0, sequential: 0 });
});

it("any pipeline: every item passes every stage once, in order where one worker is, no queue above its capacity", () => {
  const stage = fc.record({
    time: fc.nat({ max: 9 }),
    workers: fc.integer({ min: 1, max: 3 }),
    capacity: fc.oneof(fc.nat({ max: 3 }), fc.constant(Infinity)),
  });
  fc.assert(
    fc.property(fc.nat({ max: 12 }), fc.array(stage, { minLength: 1, maxLength: 4 }), (items, given) => {
      const stages = given.map((one, i) => (i === 0 ? { ...one, capacity: Infinity } : one));
      const run = sim.pipeline({ items, stages });
      const starts = run.trace.filter(({ kind }) => kind === "start");
      expect(starts).toHaveLength(items * stages.length);
      expect(run.trace.filter(({ kind }) => kind === "end")).toHaveLength(items * stages.length);
      stages.forEach(({ capacity, workers, time }, i) => {
        const own = starts.filter(({ label }) => label === `stage ${i}`).map(({ task }) => task);
        expect(own.toSorted((a, b) => a - b)).toEqual(Array.from({ length: items }, (_, item) => item));
        expect(run.stages[i]!.busy).toBe(items * time);
        expect(run.makespan).toBeGreaterThanOrEqual((items * time) / workers);
        if (i > 0) expect(run.queues[i - 1]!.maxLength).toBeLessThanOrEqual(capacity);
      });
      expect(run.makespan).toBeLessThanOrEqual(run.sequential);
    }),
  );
});

it.each([
  [{ items: -1, stages: [{ time: 1 }] }, RangeError, "Expected items"],
  [{ items: 1, stages: [] }, TypeError, "at least one stage"],
  [
    { items: 1, stages: [{ time: -1 }] },
    RangeError,
    "the time of stage 0 to be a number of at least 0, got -1 for item 0",
  ],
  [{ items: 1, stages: [{ time: 1, capacity: 2 }] }, TypeError, "no queue before it"],
  [{ items: 1, stages: [{ time: 1, workers: 0 }] }, RangeError, "workers of stage 0"],
  [{ items: 1, stages: [{ cost: 1 }] }, TypeError, 'no option "cost"'],
])("sim.pipeline refuses %j", (options, type, message) => {
  expect(() => sim.pipeline(options as never)).toThrow(type);
  expect(() => sim.pipeline(options as never)).toThrow(message);
});
