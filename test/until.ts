// Waits for what another thread or process does, and has no other way to tell.

import { setTimeout as sleep } from "node:timers/promises";

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1);
}
