// sim.scheduler: the policies of lib/pool on a clock that is only counted, so that what they give is exact.
//
// The queue for all is greedy list scheduling (R. L. Graham, Bounds on Multiprocessing Timing Anomalies, 1969, which also
// bounds "longest-first"); "stealing" is after R. D. Blumofe and C. E. Leiserson, Scheduling Multithreaded Computations
// by Work Stealing, 1999, but with the longest queue as the victim in place of a random one, so that each run is the same.

export const POLICIES = ["contiguous", "round-robin", "central", "longest-first", "stealing"] as const;

/**
 * How tasks are spread over threads.
 * - "contiguous": blocks of ceil(tasks / threads) neighbours, one for each thread while there are tasks.
 * - "round-robin": task i goes to thread i mod threads.
 * - "central": one queue in the order given; a thread that is free takes the next.
 * - "longest-first": the same, with the longest task at the front; equal ones in the order given.
 * - "stealing": the blocks of "contiguous". A thread takes from the front of its own queue; when that is empty it takes
 *   the back of the longest other one (by the number of tasks; of equal ones the thread with the lowest number).
 */
export type Policy = (typeof POLICIES)[number];

export interface SchedulerOptions {
  threads: number;
  policy: Policy;
}

/** What happened when; as a pool's trace, so that plot.gantt draws it. Times in the unit of the costs. */
export interface SchedulerEvent {
  kind: "enqueue" | "start" | "end" | "steal";
  /** From 0. With "enqueue": whose queue the task went to, -1 for the one of all. */
  thread: number;
  task: number;
  /** With "steal": the thread it was taken from. */
  from?: number;
  atMs: number;
}

export interface Schedule {
  /** When the last task ended; 0 without tasks. */
  makespan: number;
  /** Task and time, in order of time; of equal times the lower task first. */
  finish: [task: number, time: number][];
  steals: number;
  /** In order of time. */
  trace: SchedulerEvent[];
}

/**
 * Runs tasks of these costs on threads of a virtual clock: nothing is executed, starting and handing over cost nothing.
 *
 * Waits: never. Order: threads that are free at the same time act by their number, so each run gives the same.
 * Units: those of the costs. Cost: about tasks × log(tasks) steps, with "stealing" tasks × threads.
 * When to use: to see what a policy by itself does; a real pool adds noise, starts and messages.
 * Throws: TypeError where costs are no numbers or the policy is not known, RangeError on a cost below 0 and on threads
 * that are no positive integer.
 * @example
 * sim.scheduler([100, 10, 200, 50, 150], { threads: 3, policy: "stealing" }).makespan; // 200, with 1 steal
 */
export function scheduler(costs: readonly number[], options: SchedulerOptions): Schedule {
  check(costs, options);
  const { threads, policy } = options;
  const queues = spread(costs, threads, policy);
  const isCommon = policy === "central" || policy === "longest-first";
  const trace: SchedulerEvent[] = [];
  queues.forEach((queue, thread) => {
    for (const task of queue) trace.push({ kind: "enqueue", thread: isCommon ? -1 : thread, task, atMs: 0 });
  });

  const finish: [task: number, time: number][] = [];
  const freeAt = Array.from({ length: threads }, () => 0);
  const atWork = new Set(freeAt.keys());
  while (atWork.size > 0) {
    const thread = earliest(atWork, freeAt);
    const atMs = freeAt[thread]!;
    let task = queues[isCommon ? 0 : thread]!.shift();
    if (task === undefined && policy === "stealing") {
      const from = longest(queues);
      task = queues[from]!.pop();
      if (task !== undefined) trace.push({ kind: "steal", thread, task, from, atMs });
    }
    if (task === undefined) {
      atWork.delete(thread); // every task is known from the start, so nothing comes later
      continue;
    }
    const end = atMs + costs[task]!;
    freeAt[thread] = end;
    finish.push([task, end]);
    trace.push({ kind: "start", thread, task, atMs }, { kind: "end", thread, task, atMs: end });
  }

  finish.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  const steals = trace.filter(({ kind }) => kind === "steal").length;
  return { makespan: Math.max(0, ...freeAt), finish, steals, trace: trace.sort((a, b) => a.atMs - b.atMs) };
}

/** A queue for each thread, or one for all. */
function spread(costs: readonly number[], threads: number, policy: Policy): number[][] {
  const tasks = [...costs.keys()];
  if (policy === "central") return [tasks];
  if (policy === "longest-first") return [tasks.sort((a, b) => costs[b]! - costs[a]!)];
  const block = Math.ceil(tasks.length / threads);
  const place =
    policy === "round-robin" ? (task: number) => task % threads : (task: number) => Math.floor(task / block);
  return Array.from({ length: threads }, (_, thread) => tasks.filter((task) => place(task) === thread));
}

function earliest(atWork: ReadonlySet<number>, freeAt: readonly number[]): number {
  let best = -1;
  for (const thread of atWork) if (best < 0 || freeAt[thread]! < freeAt[best]!) best = thread;
  return best;
}

function longest(queues: readonly (readonly number[])[]): number {
  let best = 0;
  queues.forEach(({ length }, thread) => {
    if (length > queues[best]!.length) best = thread;
  });
  return best;
}

function check(costs: unknown, options: unknown): asserts options is SchedulerOptions {
  if (!Array.isArray(costs)) throw new TypeError(`sim.scheduler expects an array of costs first, got ${typeof costs}.`);
  costs.forEach((cost: unknown, task) => {
    if (typeof cost !== "number") {
      throw new TypeError(`sim.scheduler expects numbers as costs, got ${typeof cost} for task ${task}.`);
    }
    if (!Number.isFinite(cost) || cost < 0) {
      throw new RangeError(`sim.scheduler expects costs of at least 0, got ${cost} for task ${task}.`);
    }
  });
  const { threads, policy } = (options ?? {}) as Partial<SchedulerOptions>;
  if (!Number.isSafeInteger(threads) || threads! < 1) {
    throw new RangeError(`sim.scheduler expects \`threads\` to be an integer of at least 1, got ${String(threads)}.`);
  }
  if (!POLICIES.includes(policy!)) {
    const known = POLICIES.map((name) => `"${name}"`).join(", ");
    throw new TypeError(`sim.scheduler expects \`policy\` to be one of ${known}, got ${String(policy)}.`);
  }
}
