// The jobs that have not ended, in the order in which they came: linked, because hundreds of thousands come and go.

import type { Job } from "./job.ts";

export class JobList {
  #first: Job | undefined;
  #last: Job | undefined;
  size = 0;

  add(job: Job): void {
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
  }

  /** All that were in it when this was called. */
  all(): Job[] {
    const jobs: Job[] = [];
    for (let job = this.#first; job; job = job.after) jobs.push(job);
    return jobs;
  }
}
