// The scheduling policy: one queue for all threads, first in, first out. A thread that is free takes the first job whose
// group may run one more. Another policy has the same methods.

import type { Job } from "./job.ts";

export class CentralQueue {
  #jobs: (Job | undefined)[] = [];
  /** The jobs before this index are taken. */
  #head = 0;

  get length(): number {
    return this.#jobs.length - this.#head;
  }

  push(job: Job): void {
    this.#jobs.push(job);
  }

  /** The next job for a free thread, or undefined where none may run now. */
  take(): Job | undefined {
    for (let i = this.#head; i < this.#jobs.length; i++) {
      const job = this.#jobs[i]!;
      const { group } = job.work;
      if (group && group.running >= group.limit) continue;
      // Mostly it is the first; another leaves its place to those before it.
      this.#jobs.copyWithin(this.#head + 1, this.#head, i);
      // The place of one that is taken would keep it and its data alive.
      this.#jobs[this.#head++] = undefined;
      if (this.#head * 2 > this.#jobs.length) {
        this.#jobs = this.#jobs.slice(this.#head);
        this.#head = 0;
      }
      return job;
    }
    return undefined;
  }

  /** Takes out all jobs that `matches` holds for. */
  remove(matches: (job: Job) => boolean): Job[] {
    const removed: Job[] = [];
    const kept: Job[] = [];
    for (const job of this.#jobs.slice(this.#head) as Job[]) (matches(job) ? removed : kept).push(job);
    this.#jobs = kept;
    this.#head = 0;
    return removed;
  }
}
