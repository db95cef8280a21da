// The entry of a pool's process.

import { quietLoader } from "../pool/thread-set-up.ts";
import type { FromProcess, ToProcess } from "./messages.ts";
import { printAtOnce } from "./printing.ts";
import { ProcessRunner } from "./runner.ts";

quietLoader();
printAtOnce();
// Taken now: a task may put something else in its place.
const send = process.send!.bind(process) as (message: FromProcess, done?: () => void) => void;
const runner = new ProcessRunner(process.argv[2]!, send);
process.on("message", (message: ToProcess) => runner.heard(message));
// The owner is gone, or wants no more. Whoever spins doesn't hear it: see reaper.ts.
process.on("disconnect", () => process.exit());
// An answer that nobody is there for any more.
process.on("error", () => {});
runner.start();
