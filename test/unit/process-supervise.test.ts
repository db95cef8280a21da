// Supervised processes: who is started again, how often, and what is left in the end.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { CaptureError, ipc, RestartLimitError, supervise } from "../../lib/index.ts";
import type { RestartEvent } from "../../lib/index.ts";

const QUICK = { backoffMs: 1, periodMs: 60_000 };

describe("a supervisor", () => {
  it("has all jobs done though a child crashes", async () => {
    const restarted: RestartEvent[] = [];
    const jobs = [1, 2, 3].map((n) => ({
      id: `job ${n}`,
      restart: "transient" as const,
      start: (attempt: number) => {
        if (n === 2 && attempt === 1) process.kill(process.pid, "SIGKILL");
        if (n === 3 && attempt < 3) throw new RangeError("not yet");
        return `${n} in attempt ${attempt}`;
      },
    }));
    await using supervisor = supervise(jobs, { ...QUICK, onRestart: (event) => void restarted.push(event) });
    expect(await supervisor.done).toEqual(
      new Map([
        ["job 1", "1 in attempt 1"],
        ["job 2", "2 in attempt 2"],
        ["job 3", "3 in attempt 3"],
      ]),
    );
    expect(restarted.map(({ id, attempt }) => `${id} ${attempt}`).toSorted()).toEqual([
      "job 2 2",
      "job 3 2",
      "job 3 3",
    ]);
    expect(restarted.find(({ id }) => id === "job 2")!.reason).toMatchObject({ signal: "SIGKILL" });
    expect(restarted.find(({ id }) => id === "job 3")!.reason).toBeInstanceOf(RangeError);
    expect(restarted.filter(({ id }) => id === "job 3").map(({ afterMs }) => afterMs)).toEqual([0, 1]);
    expect(supervisor.whichChildren()).toEqual([
      { id: "job 1", state: "ended", pid: undefined, restarts: 0 },
      { id: "job 2", state: "ended", pid: undefined, restarts: 1 },
      { id: "job 3", state: "ended", pid: undefined, restarts: 2 },
    ]);
  });

  it("starts a permanent child again also when it ends well, and one alone: the others go on", async () => {
    await using server = await ipc.listen();
    const { address } = server;
    const worker = async (): Promise<void> => {
      await using link = await ipc.connect(address);
      await link.send(process.pid);
      if ((await link.receive()) === "crash") process.exit(5);
    };
    await using supervisor = supervise(
      [
        { id: "worker", start: worker },
        { id: "other", start: worker },
      ],
      QUICK,
    );
    const pids = new Map<unknown, string>();
    const links = [await server.accept(), await server.accept()];
    const first = (await links[0]!.receive()) as number;
    const other = await links[1]!.receive();
    const name = supervisor.whichChildren().find(({ pid }) => pid === first)!.id;
    pids.set(first, name);
    for (const order of ["crash", "end"]) {
      const link = links[0]!;
      await link.send(order);
      links[0] = await server.accept();
      const pid = await links[0]!.receive();
      expect(pids.has(pid)).toBe(false);
      pids.set(pid, name);
    }
    const states = supervisor.whichChildren();
    expect(states.find(({ id }) => id === name)).toMatchObject({ state: "running", restarts: 2 });
    expect(states.find(({ id }) => id !== name)).toEqual({
      id: name === "worker" ? "other" : "worker",
      state: "running",
      pid: other,
      restarts: 0,
    });
    await supervisor.stop();
    expect(await supervisor.done).toEqual(new Map([[name, undefined]]));
    for (const { pid } of states) expect(() => process.kill(pid!, 0)).toThrow("ESRCH");
  });

  it("gives up when restarts come too often, and stops the others", async () => {
    let pid: number | undefined;
    const supervisor = supervise(
      [
        { id: "broken", start: () => process.exit(7) },
        { id: "fine", start: () => new Promise(() => setInterval(() => {}, 1000)) },
      ],
      { ...QUICK, intensity: 2, onRestart: () => (pid = supervisor.whichChildren()[1]!.pid) },
    );
    const error = await supervisor.done.catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(RestartLimitError);
    expect(error).toMatchObject({ child: "broken", cause: { exitCode: 7 } });
    expect((error as Error).message).toMatch(/restart 3 within 60000 ms, and 2 are allowed/);
    await supervisor.stop();
    expect(supervisor.whichChildren().map(({ state, restarts }) => `${state} ${restarts}`)).toEqual([
      "ended 2",
      "ended 0",
    ]);
    if (pid) expect(() => process.kill(pid!, 0)).toThrow("ESRCH");
  });

  it("leaves a temporary child as it is", async () => {
    await using supervisor = supervise([{ id: "once", restart: "temporary", start: () => process.exit(1) }], QUICK);
    expect(await supervisor.done).toEqual(new Map());
    expect(await supervise([]).done).toEqual(new Map());
  });

  it("does not try again what can't be sent", async () => {
    let count = 0;
    const done = supervise([{ id: "counts", start: () => count++ }], QUICK).done;
    expect(await done.catch((failure: unknown) => failure)).toBeInstanceOf(CaptureError);
  });

  it("is stopped while it pauses", async () => {
    let paused!: () => void;
    const pausing = new Promise<void>((resolve) => (paused = resolve));
    const supervisor = supervise([{ id: "a", start: () => process.exit(1) }], {
      intensity: 10,
      backoffMs: 1e6,
      maxBackoffMs: 1e6,
      onRestart: ({ afterMs }) => void (afterMs > 0 && paused()),
    });
    await pausing;
    await sleep(1);
    expect(supervisor.whichChildren()[0]!.state).toBe("restarting");
    await supervisor.stop();
    expect(await supervisor.done).toEqual(new Map());
  });

  it("tells wrong options in a sentence", () => {
    const start = (): number => 1;
    expect(() => supervise([{ id: "a", start }], { retries: 1 } as never)).toThrow(
      /supervise\(\) has no option "retries"/,
    );
    expect(() =>
      supervise([
        { id: "a", start },
        { id: "a", start },
      ]),
    ).toThrow(/an id of its own, got "a" twice/);
    expect(() => supervise([{ id: "a", start, restart: "always" as never }])).toThrow(/"permanent", "transient"/);
    expect(() => supervise([{ id: "a", start: 5 as never }])).toThrow(/start of "a" to be a function/);
    expect(() => supervise([{ id: "a", start }], { maxHeapMb: 1 })).toThrow(/maxHeapMb/);
  });
});
