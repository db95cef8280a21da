// The layer check reports what it is there for: each rule is broken once.

import { expect, it } from "vitest";
import { violations } from "../../scripts/layers.ts";

const broken = (files: Record<string, string>): string[] =>
  violations(Object.entries(files).map(([file, text]) => ({ file, text })));

it("passes imports downwards", () => {
  expect(
    broken({
      "lib/index.ts": 'export * from "./pool/pool.ts"; export * from "./par/par.ts"',
      "lib/par/par.ts": 'import { Pool } from "../pool/pool.ts"; import { E } from "../errors.ts"',
      "lib/pool/pool.ts": 'import { encode } from "../ship/index.ts"; import type { Task } from "./task.ts"',
      "lib/pool/task.ts": 'import type { Pool } from "./pool.ts"',
      "lib/bench/speedup.ts": 'import { plot } from "../plot/index.ts"; import { Pool } from "../pool/pool.ts"',
      "kernel/executor/main.ts": 'import { host } from "../../lib/host.ts"',
      "lib/atomics.ts": "export const add = Atomics.add",
      "lib/sync/mutex.ts": '// Atomics\nconst api = { Atomics: 1 }; api.Atomics; import { add } from "../atomics.ts"',
    }),
  ).toEqual([]);
});

it.each([
  ["lib/ship/a.ts", 'import { Pool } from "../pool/pool.ts"', "pool is not below ship"],
  ["lib/par/a.ts", 'import "../actor/actor.ts"', "actor is not below par"],
  ["lib/errors.ts", 'export { x } from "./memory/x.ts"', "memory is not below errors"],
  ["lib/pool/a.ts", 'import { bar } from "../plot/bar.ts"', "plot stands on top of pool"],
  ["lib/plot/a.ts", 'import type { P } from "../bench/bench.ts"', "plot may import errors, host"],
  ["lib/gpu/a.ts", 'import { P } from "../pool/pool.ts"', "gpu may import errors, host, memory, ship"],
  ["lib/pool/a.ts", 'import { P } from "../index.ts"', "only those outside import the whole library"],
  ["lib/pool/a.ts", 'import { display } from "braid/notebook"', "the library never imports the kernel"],
  ["lib/strange/a.ts", 'import "../errors.ts"', "does not know the layer strange"],
  ["kernel/front/a.ts", 'export * from "../executor/main.ts"', "the front never imports what runs user code"],
  ["lib/sync/a.ts", "const f = () => globalThis[Atomics.wait.name]", "names Atomics"],
])("reports %s: %s", (file, text, why) => {
  const found = broken({ [file]: text });
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(why);
});

it("reports an import cycle once", () => {
  expect(
    broken({
      "kernel/cli/a.ts": 'import "./b.ts"',
      "kernel/cli/b.ts": 'import "./c.ts"',
      "kernel/cli/c.ts": 'export * from "./a.ts"',
    }),
  ).toEqual(["import cycle: kernel/cli/a.ts → kernel/cli/b.ts → kernel/cli/c.ts → kernel/cli/a.ts"]);
});
