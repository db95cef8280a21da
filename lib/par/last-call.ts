// What a thread has made for the last call of a pipeline serves the next one, if that is for the same arrays. When there has
// been none for a while it is let go of: an array is not to live on because of it.

const KEPT_MS = 500;
let lettingGo = new Set<() => void>();
let timer: NodeJS.Timeout | undefined;

/** Calls it after a while, in the event loop. */
export function letGoLater(letGo: () => void): void {
  lettingGo.add(letGo);
  timer ??= setTimeout(() => {
    timer = undefined;
    const all = lettingGo;
    lettingGo = new Set();
    for (const one of all) one();
  }, KEPT_MS).unref();
}
