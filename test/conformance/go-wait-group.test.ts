// What the tests of Go's sync.WaitGroup (src/sync/waitgroup_test.go, The Go Authors) ask, asked of WaitGroup, one behaviour
// each. Where Go panics because a group is used again too early, WaitGroup goes on: that is what is tested.

import { afterAll, expect, it } from "vitest";
import { AtomicI32, Pool, spawn, WaitGroup } from "../../lib/index.ts";

const N = 16;
// A promise that waits keeps its thread: as many as tasks wait for each other.
const pool = new Pool({ threads: N });
afterAll(() => pool.close());

it("WaitGroup: lets nobody go too early, and everybody in the end, time after time", async () => {
  const [first, second] = [new WaitGroup(), new WaitGroup()];
  for (let round = 0; round < 8; round++) {
    const exited = new AtomicI32();
    first.add(N);
    second.add(N);
    const all = Array.from({ length: N }, (_, n) =>
      pool.run(async () => {
        first.done();
        if (n % 2 === 0) second.wait();
        else await second.waitAsync();
        exited.add(1);
      }),
    );
    await first.waitAsync();
    for (let n = 0; n < N; n++) {
      expect(exited.load()).toBe(0);
      second.done();
    }
    await Promise.all(all);
    expect(exited.load()).toBe(N);
  }
});

it("WaitGroupMisuse: once more than was added is an error", () => {
  const group = new WaitGroup();
  group.add(1);
  group.done();
  expect(() => group.done()).toThrow(RangeError);
});

it("WaitGroupMisuse2: to add while another begins to wait does no harm", async () => {
  for (let i = 0; i < 100; i++) {
    const group = new WaitGroup();
    group.add(1);
    const waiting = pool.run(() => group.wait());
    const adding = pool.run(() => {
      group.add(1);
      group.done();
    });
    group.done();
    await Promise.all([waiting, adding]);
    expect(group.count).toBe(0);
  }
});

it("WaitGroupMisuse3: to use it again before others have come back from wait does no harm", async () => {
  for (let i = 0; i < 100; i++) {
    const group = new WaitGroup();
    group.add(1);
    const done = pool.run(() => group.done());
    const again = pool.run(() => {
      group.wait();
      group.add(1);
      group.done();
      group.wait();
    });
    await group.waitAsync();
    await Promise.all([done, again]);
    expect(group.count).toBe(0);
  }
});

it("WaitGroupRace: wait comes back after both, never before", async () => {
  for (let i = 0; i < 200; i++) {
    const [group, n] = [new WaitGroup(), new AtomicI32()];
    const step = (): void => {
      n.add(1);
      group.done();
    };
    group.add(1);
    const one = pool.run(step);
    group.add(1);
    const two = pool.run(step);
    const blocking = pool.run(() => {
      group.wait();
      return n.load();
    });
    await group.waitAsync();
    expect(n.load()).toBe(2);
    expect(await blocking).toBe(2);
    await Promise.all([one, two]);
  }
});

it("WaitGroupAlign: works wherever it lies", async () => {
  const holder = { byte: 1, group: new WaitGroup() };
  holder.group.add(1);
  const done = spawn((x: typeof holder) => x.group.done(), holder);
  holder.group.wait();
  done.join();
});
