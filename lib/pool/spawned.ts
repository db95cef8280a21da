// The entry of a thread that runs one function: see spawn.ts.

import { workerData } from "node:worker_threads";
import { notify, store } from "../atomics.ts";
import { host } from "../host.ts";
import { decode, encode, prepare, transferList, type Wire } from "../ship/index.ts";
import { begun } from "../sync/threads.ts";
import { encodeError, unsendableResult } from "./failures.ts";
import type { SpawnAnswer, SpawnData } from "./spawn.ts";
import { settleIn } from "./thread-set-up.ts";

const { owner, origin, wire, port, answered } = workerData as SpawnData;

settleIn();
begun();
// Who blocks in a join() sends messages to see whether this end is open.
port.on("message", () => {});
port.unref();

function say(ok: boolean, wire: Wire): void {
  port.postMessage({ ok, wire } satisfies SpawnAnswer, transferList(wire));
  store(answered, 0, 1);
  notify(answered, 0);
}

try {
  const wait = prepare(wire);
  if (wait) await wait;
  const { fn, args } = decode(wire) as { fn: (...args: unknown[]) => unknown; args: unknown[] };
  const here = host();
  const result = await (here ? here.runAs(origin, () => fn(...args)) : fn(...args));
  const answer = encode(result, { to: owner, path: "result" });
  try {
    say(true, answer);
  } catch (cause) {
    throw unsendableResult(cause);
  }
} catch (error) {
  say(false, encodeError(error, { to: owner }));
}
// It ends with its function, whatever that has left behind.
process.exit();
