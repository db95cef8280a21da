// The processes that run tasks of a pool: they load what a worker thread of the executor loads (boot.ts), and print by the
// same pipe. Any other process that a cell starts with this one's flags is left alone.

import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";
import type { ForChild } from "../../lib/host.ts";
import { REPORT_FD } from "../link/messages.ts";
import { sibling } from "../../lib/sibling.ts";

/** In the environment of such a process: the notebook's folder. */
const CHILD = "BRAID_CHILD";
/** Key in the environment data. */
const PLACE = "braid.place";

/** Where cells run, or their tasks. */
export interface Place {
  readonly folder: string;
  /** In a process of its own, not in the executor. */
  readonly isChild: boolean;
}

/** Undefined in any other process, or thread of one. */
export function placeHere(): Place | undefined {
  if (!isMainThread) return getEnvironmentData(PLACE) as Place | undefined;
  const folder = process.env[CHILD];
  // It is not for what the tasks start.
  delete process.env[CHILD];
  const isChild = folder !== undefined;
  const place = isChild || isExecutor() ? { folder: folder ?? process.cwd(), isChild } : undefined;
  setEnvironmentData(PLACE, place);
  return place;
}

export function forChild({ folder }: Place): ForChild {
  const folders = [fileURLToPath(new URL("../", import.meta.url))];
  return { env: { [CHILD]: folder }, descriptors: [REPORT_FD], folders };
}

function isExecutor(): boolean {
  try {
    return fs.realpathSync(process.argv[1]!) === fs.realpathSync(sibling(import.meta.url, "main"));
  } catch {
    return false;
  }
}
