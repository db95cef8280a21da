// sim.gil: threads that need one lock to compute, as Python's do.
//
// After CPython's ceval_gil.c (A. Pitrou's "new GIL", 2009): a thread that waits for the lock lets the holder compute for
// the switch interval and then asks it to let go; who lets go does not get it back before another had it; waiting for I/O
// gives the lock up at once. Here those who wait are served in order, and the interval counts from the last switch or from
// when the first of them began to wait, whichever is later; the real one leaves both to the operating system.

import { checkInteger, checkKnown } from "../checks.ts";
import { Clock } from "./clock.ts";

/** A part of a thread's life: so much computing, or waiting for input and output. */
export type GilSegment = { cpu: number } | { io: number };

export interface GilOptions {
  /** False: as many threads compute at a time as there are cores. Default: true. */
  lock?: boolean;
  /** How long a thread computes while another waits. Default: 5, CPython's, in ms. */
  switchInterval?: number;
  /** What it costs when the lock, or a core, passes to another thread. Default: 0. */
  switchCost?: number;
  /** Default: one for each thread. */
  cores?: number;
}

/** As a pool's trace, so that plot.gantt draws it: bars labelled "CPU" and "I/O", thin ones where a thread waits its turn. */
export interface GilEvent {
  kind: "start" | "end" | "wait" | "wake";
  thread: number;
  /** Which of the thread's segments. */
  task: number;
  atMs: number;
  label?: string;
}

export interface GilRun {
  /** When the last thread ended; 0 without threads. */
  makespan: number;
  /** Time of all cores that was spent computing, from 0 to 1. */
  utilisation: number;
  /** How often the lock, or a core, passed from one thread to another. */
  switches: number;
  /** When each thread ended. */
  finish: number[];
  /** In order of time. */
  trace: GilEvent[];
}

interface Thread {
  readonly id: number;
  readonly segments: readonly GilSegment[];
  /** The segment it is at. */
  at: number;
  /** Of computing, in this segment. */
  left: number;
}

/** A right to compute: the lock, or a core. */
interface Token {
  holder: Thread | undefined;
  last: Thread | undefined;
  startMs: number;
  /** Which of its turns this is. */
  turn: number;
}

/** Shares of a time that are added up may be off by less. */
const NEARLY = 1e-9;

/**
 * Runs threads of these segments on a virtual clock. With the lock n tasks that only compute take the sum of their times,
 * without it and with enough cores the longest of them; threads that wait for I/O overlap either way.
 *
 * Waits: never. Order: deterministic; threads start in their order. Units: ms, or any, the same for all.
 * Throws TypeError or RangeError for bad segments and options. Cost: about makespan / switchInterval steps.
 * When to use: to see what a lock around all computing does; `lock: false` is the same program free-threaded.
 * @example
 * const work = Array.from({ length: 4 }, () => [{ cpu: 100 }]);
 * sim.gil(work).makespan; // 400
 * sim.gil(work, { lock: false }).makespan; // 100
 * plot.gantt(sim.gil(work).trace);
 */
export function gil(threads: readonly (readonly GilSegment[])[], options: GilOptions = {}): GilRun {
  const programs = check(threads);
  checkKnown("sim.gil", options, ["lock", "switchInterval", "switchCost", "cores"]);
  const { lock = true, switchInterval = 5, switchCost = 0, cores = Math.max(1, programs.length) } = options;
  checkInteger("cores", cores, 1, Infinity);
  checkTime("switchInterval", switchInterval);
  if (switchInterval === 0) throw new RangeError("Expected switchInterval to be more than 0, got 0.");
  checkTime("switchCost", switchCost);

  const clock = new Clock();
  const trace: GilEvent[] = [];
  const finish: number[] = programs.map(() => 0);
  const waiting: { thread: Thread; sinceMs: number }[] = [];
  const tokens: Token[] = Array.from({ length: lock ? 1 : cores }, () => ({
    holder: undefined,
    last: undefined,
    startMs: 0,
    turn: 0,
  }));
  let switches = 0;
  let computed = 0;
  const say = (kind: GilEvent["kind"], { id, at }: Thread, atMs: number, label?: string): void =>
    void trace.push({ kind, thread: id, task: at, atMs, ...(label !== undefined && { label }) });

  const begin = (thread: Thread): void => {
    const segment = thread.segments[thread.at];
    if (!segment) {
      finish[thread.id] = clock.now;
    } else if ("io" in segment) {
      say("start", thread, clock.now, "I/O");
      clock.after(segment.io, () => {
        say("end", thread, clock.now);
        thread.at++;
        begin(thread);
      });
    } else {
      thread.left = segment.cpu;
      waiting.push({ thread, sinceMs: clock.now });
      dispatch();
    }
  };

  const dispatch = (): void => {
    while (waiting.length > 0) {
      const free = tokens.filter(({ holder }) => !holder);
      if (free.length === 0) break;
      const { thread, sinceMs } = waiting.shift()!;
      grant(free.find(({ last }) => last === thread) ?? free[0]!, thread, sinceMs);
    }
    for (const token of tokens) watch(token);
  };

  const grant = (token: Token, thread: Thread, sinceMs: number): void => {
    const isSwitch = token.last !== undefined && token.last !== thread;
    if (isSwitch) switches++;
    token.holder = token.last = thread;
    token.startMs = clock.now + (isSwitch ? switchCost : 0);
    const turn = ++token.turn;
    if (token.startMs > sinceMs) {
      say("wait", thread, sinceMs);
      say("wake", thread, token.startMs);
    }
    say("start", thread, token.startMs, "CPU");
    clock.after(token.startMs - clock.now + thread.left, () => {
      if (token.turn === turn) leave(token, true);
    });
  };

  const leave = (token: Token, isDone: boolean): void => {
    const thread = token.holder!;
    const ran = isDone ? thread.left : clock.now - token.startMs;
    computed += ran;
    thread.left -= ran;
    say("end", thread, clock.now);
    token.holder = undefined;
    token.turn++;
    if (isDone) {
      thread.at++;
      begin(thread);
    } else waiting.push({ thread, sinceMs: clock.now });
    dispatch();
  };

  /** Plans when the holder has to let go, if somebody waits. */
  const watch = (token: Token): void => {
    const [first] = waiting;
    if (!token.holder || !first) return;
    const { turn } = token;
    const dueMs = Math.max(token.startMs, first.sinceMs) + switchInterval;
    clock.after(Math.max(0, dueMs - clock.now), () => {
      if (token.turn !== turn || waiting.length === 0) return;
      const nowDueMs = Math.max(token.startMs, waiting[0]!.sinceMs) + switchInterval;
      if (nowDueMs > clock.now + NEARLY) return;
      if (token.startMs + token.holder!.left > clock.now + NEARLY) leave(token, false);
    });
  };

  for (const [id, segments] of programs.entries()) begin({ id, segments, at: 0, left: 0 });
  clock.run();
  const makespan = Math.max(0, ...finish);
  trace.sort((a, b) => a.atMs - b.atMs);
  return { makespan, utilisation: makespan === 0 ? 0 : computed / (cores * makespan), switches, finish, trace };
}

/** The segments, with computing that follows computing as one: there is nothing between them to let go for. */
function check(threads: unknown): GilSegment[][] {
  if (!Array.isArray(threads)) throw new TypeError(`sim.gil expects an array of threads first, got ${typeof threads}.`);
  return threads.map((segments: unknown, thread) => {
    if (!Array.isArray(segments))
      throw new TypeError(
        `sim.gil expects each thread to be an array of segments, got ${typeof segments} for thread ${thread}.`,
      );
    const merged: GilSegment[] = [];
    for (const [index, segment] of (segments as Partial<Record<"cpu" | "io", unknown>>[]).entries()) {
      const kinds = Object.keys(segment ?? {});
      if (kinds.length !== 1 || (kinds[0] !== "cpu" && kinds[0] !== "io"))
        throw new TypeError(
          `sim.gil expects segments like { cpu: 10 } or { io: 10 }, got { ${kinds.join(", ")} } as segment ${index} of thread ${thread}.`,
        );
      const kind = kinds[0];
      const time = checkTime(`${kind} of segment ${index} of thread ${thread}`, segment[kind]);
      const last = merged.at(-1);
      if (kind === "io") merged.push({ io: time });
      else if (last && "cpu" in last) last.cpu += time;
      else merged.push({ cpu: time });
    }
    return merged;
  });
}

function checkTime(name: string, value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`Expected ${name} to be a number, got ${typeof value}.`);
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`Expected ${name} to be 0 or more, got ${value}.`);
  return value;
}
