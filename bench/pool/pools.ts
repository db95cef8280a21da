// The pools, all in the same words: open one for a task, run the task, close it.

import { Worker } from "node:worker_threads";
import { CLOSURES } from "./closures.ts";
import { rival } from "./tasks/rival.mjs";

export type TaskName = "add" | "weigh" | "sum" | "spin";

export interface OpenPool {
  run(...args: unknown[]): Promise<number>;
  close(): unknown;
}

export type Open = (threads: number, task: TaskName) => OpenPool | Promise<OpenPool>;

/** Imports the library; what it gives starts pools. */
export type Load = () => Open | Promise<Open>;

const file = (name: string): URL => new URL(`./tasks/${name}.mjs`, import.meta.url);

/** As much of a rival's interface as is used here. */
interface PiscinaLike {
  run(args: unknown): Promise<number>;
  destroy(): Promise<void>;
}
type PiscinaClass = new (options: Record<string, unknown>) => PiscinaLike;

function piscinaLike(Pool: PiscinaClass, threads: number, name: TaskName, more: object = {}): OpenPool {
  const filename = file("list").href;
  const pool = new Pool({ filename, name, minThreads: threads, maxThreads: threads, idleTimeout: Infinity, ...more });
  return { run: (...args) => pool.run(args), close: () => pool.destroy() };
}

export const LOADS: Record<string, Load> = {
  // The tasks as closures: that is how it is used.
  async Braid() {
    const { Pool } = await import("braid");
    return (threads, task) => {
      const pool = new Pool({ threads });
      const fn = CLOSURES[task] as (...args: unknown[]) => number;
      return { run: (...args) => pool.run(fn, ...args), close: () => pool.close() };
    };
  },

  // The function is another one in each call.
  async "Braid, arrow made anew"() {
    const { Pool } = await import("braid");
    return (threads) => {
      const pool = new Pool({ threads });
      const run = (a: number, b: number): Promise<number> => pool.run((x: number, y: number) => x + y, a, b);
      return { run: run as OpenPool["run"], close: () => pool.close() };
    };
  },

  Piscina() {
    const { Piscina } = rival("piscina") as { Piscina: PiscinaClass };
    return (threads, task) => piscinaLike(Piscina, threads, task);
  },

  // Its own remedy for short tasks.
  "Piscina, 64 tasks a thread"() {
    const { Piscina } = rival("piscina") as { Piscina: PiscinaClass };
    return (threads, task) => piscinaLike(Piscina, threads, task, { concurrentTasksPerWorker: 64 });
  },

  Tinypool() {
    const { Tinypool } = rival("tinypool") as { Tinypool: PiscinaClass };
    return (threads, task) => piscinaLike(Tinypool, threads, task, { runtime: "worker_threads" });
  },

  workerpool() {
    interface Workerpool {
      pool(
        script: string,
        options: object,
      ): { exec(name: string, args: unknown[]): Promise<number>; terminate(): unknown };
    }
    const workerpool = rival("workerpool") as Workerpool;
    return (threads, task) => {
      const options = { minWorkers: threads, maxWorkers: threads, workerType: "thread" };
      const pool = workerpool.pool(file("workerpool").pathname, options);
      return { run: (...args) => pool.exec(task, args), close: () => pool.terminate() };
    };
  },

  poolifier() {
    interface Poolifier {
      FixedThreadPool: new (
        threads: number,
        script: string,
        options: object,
      ) => { execute(data: unknown, name: string): Promise<number>; destroy(): Promise<void> };
    }
    const { FixedThreadPool } = rival("poolifier") as Poolifier;
    return (threads, task) => {
      const pool = new FixedThreadPool(threads, file("poolifier").pathname, {});
      return { run: (...args) => pool.execute(args, task), close: () => pool.destroy() };
    };
  },

  // Closures like Braid's, without what they capture, and one pool in a process.
  multithreading() {
    type Outcome = { ok: true; value: number } | { ok: false; error: unknown };
    interface Multithreading {
      initRuntime(config: { maxWorkers: number }): void;
      move(...args: unknown[]): unknown;
      spawn(args: unknown, fn: (...args: never[]) => number): { join(): Promise<Outcome> };
      shutdown(): void;
    }
    const { initRuntime, move, spawn, shutdown } = rival("multithreading") as Multithreading;
    return (threads, task) => {
      initRuntime({ maxWorkers: threads });
      const fn = CLOSURES[task];
      return {
        async run(...args) {
          const outcome = await spawn(move(...args), fn).join();
          if (!outcome.ok) throw outcome.error;
          return outcome.value;
        },
        close: shutdown,
      };
    };
  },

  threads() {
    type Remote = Record<TaskName, (...args: unknown[]) => Promise<number>>;
    interface Threads {
      Pool(
        spawn: () => Promise<Remote>,
        size: number,
      ): {
        queue(call: (remote: Remote) => Promise<number>): Promise<number>;
        terminate(force: boolean): Promise<void>;
      };
      spawn(worker: unknown): Promise<Remote>;
      Worker: new (script: string) => unknown;
    }
    const threadsJs = rival("threads") as Threads;
    return (threads, task) => {
      // It takes a path for relative to this file, also one that is not.
      const pool = threadsJs.Pool(() => threadsJs.spawn(new threadsJs.Worker("./tasks/threads.mjs")), threads);
      return {
        run: (...args) => pool.queue((remote) => remote[task](...args)),
        close: () => pool.terminate(true),
      };
    };
  },

  "bare Worker"() {
    return (threads, task) => {
      const answers = new Map<number, (value: number) => void>();
      let count = 0;
      const workers = Array.from({ length: threads }, () => {
        const worker = new Worker(file("bare"), { workerData: task });
        worker.on("message", ([id, value]: [number, number]) => {
          answers.get(id)!(value);
          answers.delete(id);
        });
        return worker;
      });
      return {
        run: (...args) =>
          new Promise((resolve) => {
            const id = count++;
            answers.set(id, resolve);
            workers[id % threads]!.postMessage([id, args]);
          }),
        close: () => Promise.all(workers.map((worker) => worker.terminate())),
      };
    };
  },
};
