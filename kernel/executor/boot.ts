// Preloaded (--require) in the executor's main thread, in every worker thread below it and in processes that run tasks,
// so that all of them print live, resolve imports from the notebook's folder, and say which cell they work for. The
// control thread is left alone, and so is any other process.

import { getEnvironmentData, isMainThread } from "node:worker_threads";
import { registerHost } from "../../lib/host.ts";
import { forChild, placeHere } from "./child.ts";
import { hideOwnFrames } from "./describe.ts";
import { importedFrom, importedName, installImports } from "./imports.ts";
import { installLiterals, literal } from "./literals.ts";
import { adopt, CONTROL_THREAD, onInterrupt, trackThreads } from "./threads.ts";
import { currentRun, runAs } from "./origin.ts";
import { captureOutput, reportDisplay } from "./output.ts";
import { trackTimers } from "./timers.ts";

const place = getEnvironmentData(CONTROL_THREAD) === true ? undefined : placeHere();

if (place) {
  captureOutput(place.isChild);
  hideOwnFrames();
  installImports(place.folder);
  trackThreads();
  const runsCells = isMainThread && !place.isChild;
  if (runsCells) trackTimers();
  installLiterals();
  registerHost({
    origin: currentRun,
    runAs,
    aside: (f) => runAs(0, f),
    onInterrupt,
    adopt,
    forChild: () => forChild(place),
    importedFrom,
    importedName,
    // Elsewhere the names of cells are no globals, but variables around the function that was shipped: V8 tells them.
    ...(runsCells && { literal }),
    display: (data, metadata) => reportDisplay(data, metadata ? { metadata } : {}),
  });
}
