// The scheduling policies: in which lane a task waits, and from which lanes a thread takes. Each thread has a lane of its
// own, but for "central", where all share one.

export const SCHEDULES = ["steal", "static", "round-robin", "central"] as const;

/**
 * How tasks are spread over threads.
 * - "steal": each thread has a queue; the tasks go to the queues in turn, and a thread whose own is empty takes the
 *   oldest task of another.
 * - "central": one queue for all threads.
 * - "round-robin": task i goes to thread i mod n, and stays there.
 * - "static": the i-th of m items of a `map` goes to thread floor(i * n / m), and stays there; tasks that are submitted
 *   one by one go in turn.
 */
export type Schedule = (typeof SCHEDULES)[number];

/** Does a thread take from other lanes than its own? */
export function steals(schedule: Schedule): boolean {
  return schedule === "steal";
}

/** May a task that waits in this lane go to any thread? */
export function isForAll(schedule: Schedule): boolean {
  return schedule === "steal" || schedule === "central";
}

/**
 * Which of `count` threads a task is meant for.
 * @param turn counts the tasks
 * @param share which part of the whole the task is, from 0 up to 1, where it is one
 */
export function placeOf(schedule: Schedule, count: number, turn: number, share: number | undefined): number {
  if (schedule === "central") return 0;
  // What is a whole number may come out a trifle less.
  if (schedule === "static" && share !== undefined) return Math.floor(share * count + 1e-9);
  return turn % count;
}
