// The parts of one call: what they share, and how many of them are on their way at a time. The others wait here.

import type { Wire } from "../ship/index.ts";
import type { Job } from "./job.ts";
import { Queue } from "./queue.ts";

export class Group {
  readonly id: number;
  readonly wire: Wire;
  readonly limit: number;
  #count = 0;
  readonly #waiting = new Queue<Job>();

  constructor(id: number, wire: Wire, limit: number) {
    this.id = id;
    this.wire = wire;
    this.limit = limit;
  }

  get isFull(): boolean {
    return this.#count >= this.limit;
  }

  /** Until there is room, and someone asks for the next. */
  wait(job: Job): void {
    this.#waiting.push(job);
  }

  /** One that waits, if there is room for it. */
  next(): Job | undefined {
    let job: Job | undefined;
    do job = this.isFull ? undefined : this.#waiting.shift();
    while (job?.isOver);
    return job;
  }

  /** It counts from now on. */
  enter(job: Job): void {
    job.isInGroup = true;
    this.#count++;
  }

  /** False: it did not count. */
  leave(job: Job): boolean {
    if (!job.isInGroup) return false;
    job.isInGroup = false;
    this.#count--;
    return true;
  }
}
