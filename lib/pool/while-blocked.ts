// What a thread does for its pools while it is blocked in a wait of the library (lib/atomics.ts). Its event loop stands
// still, but the messages of its pools' threads can be taken from their ports, and answered. No code of the program runs
// meanwhile: what is for the program, not for a task, is kept until the event loop has its turn again.

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { setDuty } from "../atomics.ts";

/** A pool, as its blocked owner sees it. */
export interface Served {
  /** Has it anything to do? */
  readonly isBusy: boolean;
  /** Does what needs no event loop; with `looksForDead` also for threads that are gone. True: there was something. */
  serve(looksForDead: boolean): boolean;
}

/** Looking whether a thread is there sends it a message. */
const LOOK_FOR_DEAD_MS = 50;

const served = new Set<Served>();
let isServing = false;
let lookedMs = 0;

/** Until `stopServing`. */
export function startServing(pool: Served): void {
  served.add(pool);
  bell ??= makeBell();
  setDuty(duty);
}

export function stopServing(pool: Served): void {
  served.delete(pool);
}

/** Is what runs now done in the midst of a wait? */
export function isInWait(): boolean {
  return isServing;
}

/** An interrupt has ended the wait, wherever it was. */
export function waitWasEnded(): void {
  isServing = false;
}

const duty = {
  get isExpected(): boolean {
    if (!isServing) for (const pool of served) if (pool.isBusy) return true;
    return false;
  },

  serve(): boolean {
    // What is done for others may have to wait, too.
    if (isServing) return false;
    const nowMs = performance.now();
    const looksForDead = nowMs - lookedMs > LOOK_FOR_DEAD_MS;
    if (looksForDead) lookedMs = nowMs;
    let wasThere = false;
    isServing = true;
    try {
      for (const pool of served) if (pool.serve(looksForDead)) wasThere = true;
    } finally {
      isServing = false;
    }
    return wasThere;
  },
};

const later: (() => void)[] = [];
let bell: { readonly ring: MessagePort; readonly ear: MessagePort } | undefined;

function makeBell(): typeof bell {
  const { port1: ring, port2: ear } = new MessageChannel();
  ear.on("message", () => {
    const f = later.shift();
    if (later.length === 0) ear.unref();
    f?.();
  });
  ear.unref();
  return { ring, ear };
}

/** Calls `f` in the event loop, in the order of asking. A timer would not do: an interrupt of the cell would end it. */
export function afterWait(f: () => void): void {
  if (later.push(f) === 1) bell!.ear.ref();
  bell!.ring.postMessage(null);
}
