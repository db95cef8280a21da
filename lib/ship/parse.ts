// acorn, loaded when it is first needed: most threads only decode.

import { createRequire } from "node:module";
import type { Options, Program } from "acorn";

let acorn: typeof import("acorn") | undefined;

export function parse(source: string, options: Options): Program {
  acorn ??= createRequire(import.meta.url)("acorn") as typeof import("acorn");
  return acorn.parse(source, options);
}
