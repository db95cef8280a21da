// Finds a module beside another one, as source (.ts) or as built (.js): for the entry files of threads.

/** `sibling(import.meta.url, "worker")` is the URL of worker.ts or worker.js in the same folder. */
export function sibling(from: string, name: string): URL {
  return new URL(`./${name}${from.endsWith(".ts") ? ".ts" : ".js"}`, from);
}
