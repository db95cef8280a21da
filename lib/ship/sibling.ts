// Sources run as .ts, the build as .js: the URL of a file beside a module, in whichever form the module itself runs.

export function sibling(moduleUrl: string, path: string): URL {
  return new URL(path + (moduleUrl.endsWith(".ts") ? ".ts" : ".js"), moduleUrl);
}
