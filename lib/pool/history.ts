// What became of a pool's jobs: how many were done, which thread ran each and when; with `trace`, every step.

import { State } from "../engine/slots.ts";
import type { Job } from "./job.ts";
import { now } from "./messages.ts";
import type { Team } from "./team.ts";
import type { Trace } from "./trace.ts";

export class History {
  done = 0;
  failed = 0;
  steals = 0;
  readonly #trace: Trace;
  readonly #team: Team;

  constructor(trace: Trace, team: Team) {
    this.#trace = trace;
    this.#team = team;
  }

  /** A job is about to leave its slot: where and when it ran is read from there, once. */
  read(job: Job): void {
    const { slot } = job;
    if (slot < 0 || job.startMs !== undefined) return;
    const { slots } = this.#team.board;
    job.startMs = slots.started(slot) || undefined;
    const state = slots.state(slot);
    job.endMs = state === State.done || state === State.posted ? slots.ended(slot) : now();
    if (state === State.free || state === State.queued) return;
    job.thread = this.#team.inSeat(slots.seat(slot))?.id;
    const lane = slots.stolenFrom(slot);
    if (lane === undefined || job.thread === undefined) return;
    this.steals++;
    this.#trace.stolen(job, this.#team.inSeat(lane)?.id);
  }

  ended(job: Job, ok: boolean): void {
    this.read(job);
    job.endMs ??= now();
    if (ok) this.done++;
    else this.failed++;
    this.#trace.ended(job);
  }
}
