// The processes of a pool: a seat for each, in which one is started when there is work for it, replaced when it dies at work,
// and given up when it ends again and again before it has run anything.

import type { ProcessEnd } from "../errors.ts";
import { messageOf } from "../pool/job.ts";
import { backoffMs } from "./backoff.ts";
import { howItEnded, PoolProcess, type ProcessEvents } from "./child.ts";
import type { LaunchOptions } from "./launch.ts";

/** A process that ends before it has run anything is started again after 100, 200, 400, 800 ms; then it is given up. */
const BACKOFF = { firstMs: 100, maxMs: 5000 };
export const MAX_FAILED_STARTS = 5;

interface Seat {
  process: PoolProcess | undefined;
  /** Starts in a row that failed. */
  failures: number;
  /** Until it is tried again. */
  timer: NodeJS.Timeout | undefined;
  /** Given up, as long as others run. */
  isDown: boolean;
}

interface TeamEvents extends ProcessEvents {
  /** Of this seat no process can be started: what only it could run, and waits, never will. */
  givenUp(seat: number, why: string, details: ErrorOptions & ProcessEnd): void;
}

export class ProcessTeam {
  readonly #options: LaunchOptions;
  readonly #events: TeamEvents;
  /** Any process can run what waits. */
  readonly #isShared: boolean;
  #seats: Seat[] = [];
  /** So many processes have had something to do at a time. */
  #wanted = 0;
  /** Processes that were told to end, and are not gone. */
  readonly #leaving = new Map<PoolProcess, Promise<void>>();
  #hasWarned = false;

  constructor(options: LaunchOptions, isShared: boolean, events: TeamEvents) {
    this.#options = options;
    this.#isShared = isShared;
    this.#events = events;
  }

  /** By seat. */
  get processes(): (PoolProcess | undefined)[] {
    return this.#seats.map(({ process }) => process);
  }

  /** As many seats as processes are asked for; who sits elsewhere leaves when its tasks are done. */
  resize(count: number): void {
    for (const { process, timer } of this.#seats.splice(count)) {
      clearTimeout(timer);
      if (process) this.#retire(process);
    }
    while (this.#seats.length < count)
      this.#seats.push({ process: undefined, failures: 0, timer: undefined, isDown: false });
    for (const seat of this.#seats) seat.isDown = false;
  }

  /** Starts the processes that are missing for so many jobs: as many as have had something to do at a time. */
  grow(jobs: number): void {
    this.#wanted = Math.max(this.#wanted, jobs);
    if (!this.#isShared && jobs > 0) this.#wanted = Infinity;
    for (const seat of this.#seats.slice(0, this.#wanted))
      if (!seat.process && !seat.timer && !seat.isDown && (seat.failures === 0 || jobs > 0)) this.#start(seat);
  }

  #start(seat: Seat): void {
    try {
      seat.process = new PoolProcess(this.#options, this.#events);
    } catch (cause) {
      this.#failedStart(seat, messageOf(cause), { cause });
    }
  }

  #retire(process: PoolProcess): void {
    process.isRetiring = true;
    if (process.isIdle) this.leave(process);
    else this.#leaving.set(process, process.gone);
  }

  /** It has nothing to do any more. */
  leave(process: PoolProcess): void {
    this.#leaving.set(process, process.leave());
  }

  kill(process: PoolProcess): void {
    const seat = this.#seatOf(process);
    if (seat) seat.process = undefined;
    this.#leaving.set(process, process.kill());
  }

  #seatOf(process: PoolProcess): Seat | undefined {
    return this.#seats.find((one) => one.process === process);
  }

  /** It has ended. */
  gone(process: PoolProcess): void {
    this.#leaving.delete(process);
    const seat = this.#seatOf(process);
    if (!seat) return;
    seat.process = undefined;
    // By itself, with nothing done and nothing to do.
    if (process.isIdle && !process.hasWorked)
      this.#failedStart(seat, howItEnded(process), { cause: process.error, ...process.end });
    else seat.failures = 0;
  }

  #failedStart(seat: Seat, why: string, details: ErrorOptions & ProcessEnd): void {
    if (++seat.failures < MAX_FAILED_STARTS) {
      const again = (): void => {
        seat.timer = undefined;
        this.#events.changed();
      };
      seat.timer = setTimeout(again, backoffMs(seat.failures, BACKOFF)).unref();
      return;
    }
    seat.failures = 0;
    if (this.#isShared && this.#seats.some(({ process: other, timer }) => other || timer)) {
      seat.isDown = true;
      this.#warnOfFew(why);
      return;
    }
    for (const one of this.#seats) one.isDown = false;
    // The next job tries again.
    this.#wanted = 0;
    this.#events.givenUp(this.#seats.indexOf(seat), why, details);
  }

  #warnOfFew(why: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const few = this.#seats.filter(({ isDown }) => !isDown).length;
    const text = `Only ${few} of a pool's ${this.#seats.length} processes could be started: ${why}.`;
    process.emitWarning(text, "BraidWarning");
  }

  /** Lets all of them go, or kills them; resolves when the last is gone. */
  async dismiss(kill: boolean): Promise<void> {
    for (const { process, timer } of this.#seats.splice(0)) {
      clearTimeout(timer);
      if (process && kill) this.#leaving.set(process, process.kill());
      else if (process) this.leave(process);
    }
    await Promise.all(this.#leaving.values());
  }
}
