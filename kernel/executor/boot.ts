// Preloaded (--require) in the executor's main thread and in every worker thread below it, so that all of them print
// live, resolve imports from the notebook's folder, and say which cell they work for. The control thread is left alone.

import { getEnvironmentData, isMainThread } from "node:worker_threads";
import { registerHost } from "../../lib/host.ts";
import { hideOwnFrames } from "./describe.ts";
import { importedFrom, importedName, installImports } from "./imports.ts";
import { installLiterals, literal } from "./literals.ts";
import { adopt, CONTROL_THREAD, onInterrupt, trackThreads } from "./threads.ts";
import { currentRun, runAs } from "./origin.ts";
import { captureOutput, reportDisplay } from "./output.ts";
import { trackTimers } from "./timers.ts";

if (getEnvironmentData(CONTROL_THREAD) !== true) {
  captureOutput();
  hideOwnFrames();
  installImports();
  trackThreads();
  if (isMainThread) trackTimers();
  installLiterals();
  registerHost({
    origin: currentRun,
    runAs,
    onInterrupt,
    adopt,
    importedFrom,
    importedName,
    literal,
    display: (data, metadata) => reportDisplay(data, metadata ? { metadata } : {}),
  });
}
