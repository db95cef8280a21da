// The jobs that have not ended, in the order in which they came: linked, because hundreds of thousands come and go. While
// there are any, the program is kept alive.

import { MessageChannel } from "node:worker_threads";
import type { Job } from "./job.ts";

export class JobList {
  #first: Job | undefined;
  #last: Job | undefined;
  size = 0;
  readonly #life = new MessageChannel().port1;

  constructor() {
    this.#life.on("message", () => {});
    this.#life.unref();
  }

  add(job: Job): void {
    if (this.size === 0) this.#life.ref();
    job.before = this.#last;
    if (this.#last) this.#last.after = job;
    else this.#first = job;
    this.#last = job;
    this.size++;
  }

  /** One that is in the list. */
  delete(job: Job): void {
    const { before, after } = job;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    job.before = job.after = undefined;
    this.size--;
    if (this.size === 0) this.#life.unref();
  }

  /** All that were in it when this was called. */
  all(): Job[] {
    const jobs: Job[] = [];
    for (let job = this.#first; job; job = job.after) jobs.push(job);
    return jobs;
  }

  /** There will be no more. */
  close(): void {
    this.#life.close();
  }
}
