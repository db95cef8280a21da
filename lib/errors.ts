// Every error class of the library. A bad argument is a plain TypeError or RangeError; these are for what goes wrong
// while running. Each has a code, so that it can be told apart after it crossed threads, processes or machines.

export interface BraidErrorOptions extends ErrorOptions {
  /** Would the same call, made again, have a chance? */
  retryable?: boolean;
}

export class BraidError extends Error {
  readonly code: `ERR_BRAID_${string}`;
  readonly retryable: boolean;
  constructor(code: `ERR_BRAID_${string}`, message: string, { retryable = false, ...options }: BraidErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryable = retryable;
  }
  override get name(): string {
    return this.constructor.name;
  }
}

/** A closure can't be shipped because of a variable that it captures. */
export class CaptureError extends BraidError {
  readonly variable: string;
  constructor(variable: string, message: string, options?: ErrorOptions) {
    super("ERR_BRAID_CAPTURE", message, options);
    this.variable = variable;
  }
}

/** An argument or a result can't cross threads. `path` leads to the offending part, for example "options.cache". */
export class NotSendableError extends BraidError {
  readonly path: string;
  constructor(path: string, message: string, options?: ErrorOptions) {
    super("ERR_BRAID_NOT_SENDABLE", message, options);
    this.path = path;
  }
}

/** One of many tasks failed. `cause` is what it threw, class kept; `index` its place in the input. */
export class TaskError extends BraidError {
  readonly index: number;
  constructor(index: number, message: string, options?: ErrorOptions) {
    super("ERR_BRAID_TASK", message, options);
    this.index = index;
  }
}

/** A stage of a pipeline failed. `cause` is what it threw, class kept; `index` the item's place in the source. */
export class StageError extends BraidError {
  readonly stage: string;
  /** Undefined where the thread itself died. */
  readonly index: number | undefined;
  constructor(stage: string, message: string, { index, ...options }: ErrorOptions & { index?: number } = {}) {
    super("ERR_BRAID_STAGE", message, options);
    this.stage = stage;
    this.index = index;
  }
}

/** The thread that ran a task died under it: it exited, ran out of memory, or an error escaped. */
export class ThreadCrashedError extends BraidError {
  readonly exitCode: number | undefined;
  constructor(message: string, { exitCode, ...options }: ErrorOptions & { exitCode?: number } = {}) {
    super("ERR_BRAID_THREAD_CRASHED", message, { ...options, retryable: true });
    this.exitCode = exitCode;
  }
}

/**
 * The process that ran a task died under it, or none could be started. It has ended by itself with an exit code, or was
 * ended by a signal: one of the two is set where it ran at all.
 */
export class ProcessCrashedError extends BraidError {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  constructor(message: string, { exitCode, signal, ...options }: ErrorOptions & ProcessEnd = {}) {
    super("ERR_BRAID_PROCESS_CRASHED", message, { ...options, retryable: true });
    this.exitCode = exitCode;
    this.signal = signal;
  }
}

/** How a process has ended. */
export interface ProcessEnd {
  exitCode?: number | undefined;
  signal?: NodeJS.Signals | undefined;
}

/** A supervised process ended more often than its supervisor allows; `cause` is how it ended last. */
export class RestartLimitError extends BraidError {
  /** The id of the child. */
  readonly child: string;
  constructor(child: string, message: string, options?: ErrorOptions) {
    super("ERR_BRAID_RESTART_LIMIT", message, options);
    this.child = child;
  }
}

/** A way between processes could not be opened (the address is in use, nobody listens), or has broken. */
export class IpcError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_IPC", message, options);
  }
}

/** The pool took no more work: it was closed or terminated. */
export class PoolClosedError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_POOL_CLOSED", message, options);
  }
}

/** A task was cancelled before it finished; `cause` is the reason that was given. */
export class CancelledError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_CANCELLED", message, options);
  }
}

/** A wait ran out of time. */
export class TimeoutError extends BraidError {
  readonly timeoutMs: number;
  constructor(timeoutMs: number, message: string, options?: ErrorOptions) {
    super("ERR_BRAID_TIMEOUT", message, { ...options, retryable: true });
    this.timeoutMs = timeoutMs;
  }
}

/** Someone who waited at a barrier has left it before all were there; nobody passes it any more. */
export class BrokenBarrierError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_BROKEN_BARRIER", message, options);
  }
}

/** A lock is used against its rules: unlocked twice, or by who does not hold it, or with a guard that is none of its own. */
export class LockError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_LOCK", message, options);
  }
}

/** Who held the lock has ended in the middle: what it guards may be half changed. `recover()` of the lock makes it usable. */
export class PoisonedError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_POISONED", message, options);
  }
}

/** A thread in a deadlock. */
export interface Blocked {
  /** Node's id of the thread; 0 is the main thread. */
  readonly thread: number;
  /** The locks that it holds and that others in the deadlock wait for. */
  readonly holds: string;
  readonly waitsFor: string;
  /** The line of the program where it waits. Empty where that could not be told. */
  readonly where: string;
}

/**
 * Threads that wait for each other, so that none would ever go on. `cycle` has them in order: each waits for what the next
 * one holds, the last for what the first holds.
 */
export class DeadlockError extends BraidError {
  readonly cycle: readonly Blocked[];
  /** Nothing proves it: it is told because the time that was given for it is over. */
  readonly timedOut: boolean;
  constructor(
    cycle: readonly Blocked[],
    message: string,
    { timedOut = false, ...options }: ErrorOptions & { timedOut?: boolean } = {},
  ) {
    super("ERR_BRAID_DEADLOCK", message, options);
    this.cycle = cycle;
    this.timedOut = timedOut;
  }
}

/**
 * A channel takes no more: it was closed. For who sends, `value` is what was not sent. For who receives it is empty, too;
 * for who closes it was closed before.
 */
export class ChannelClosedError<T = unknown> extends BraidError {
  readonly value: T | undefined;
  constructor(message: string, { value, ...options }: ErrorOptions & { value?: T } = {}) {
    super("ERR_BRAID_CHANNEL_CLOSED", message, options);
    this.value = value;
  }
}

/** A channel holds as much as its memory takes. `value` is what was not sent. */
export class ChannelFullError<T = unknown> extends BraidError {
  readonly value: T | undefined;
  constructor(message: string, { value, ...options }: ErrorOptions & { value?: T } = {}) {
    super("ERR_BRAID_CHANNEL_FULL", message, { ...options, retryable: true });
    this.value = value;
  }
}

/** An arena has no block of that size. */
export class ArenaFullError extends BraidError {
  /** Bytes. */
  readonly asked: number;
  readonly free: number;
  readonly largest: number;
  constructor({ asked, free, largest }: { asked: number; free: number; largest: number }, options?: ErrorOptions) {
    const text = `The arena has no room for ${asked} bytes: ${free} are free, at most ${largest} of them in one piece.`;
    super("ERR_BRAID_ARENA_FULL", text, { ...options, retryable: true });
    this.asked = asked;
    this.free = free;
    this.largest = largest;
  }
}

/** Large arrays that are alike and were made at the same place. */
export interface SharedMemoryHolder {
  /** "Float64Array" */
  readonly type: string;
  readonly length: number;
  /** Of one of them. */
  readonly byteLength: number;
  /** "file:///notes/a.ts:3:9", of arrays of 1 MB or more; "" otherwise. */
  readonly where: string;
  readonly count: number;
}

/** There is no more shared memory for an array. `holders` are the largest that this thread knows of, in bytes. */
export class SharedMemoryFullError extends BraidError {
  readonly asked: number;
  readonly held: number;
  readonly holders: readonly SharedMemoryHolder[];
  constructor(
    { asked, held, holders }: { asked: number; held: number; holders: readonly SharedMemoryHolder[] },
    options?: ErrorOptions,
  ) {
    const lines = holders.map(({ type, length, byteLength, where, count }) => {
      const megabytes = ((count * byteLength) / 1e6).toPrecision(3);
      return `\n  ${Number(megabytes)} MB: ${count} x ${type} of length ${length}${where && ` from ${where}`}`;
    });
    const text =
      `There is no shared memory for ${asked} bytes more: the arrays that this thread holds have ${held}.` +
      (lines.length > 0 ? ` The largest:${lines.join("")}` : "");
    super("ERR_BRAID_SHARED_MEMORY_FULL", text, { ...options, retryable: true });
    this.asked = asked;
    this.held = held;
    this.holders = holders;
  }
}

/** A program of another language does not compile, or ended while it was to answer. */
export class PeerError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_PEER", message, options);
  }
}

/** A key-value store is closed, gone, or refuses. */
export class StoreError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_STORE", message, options);
  }
}

/** A `claim` of a notebook did not hold. */
export class ClaimError extends BraidError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BRAID_CLAIM", message, options);
  }
}
