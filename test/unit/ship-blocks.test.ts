// A function declared in a block: the block's own in strict code, which all modules are.

import { expect, it } from "vitest";
import { Pool } from "../../lib/index.ts";
import { factsOf } from "../../lib/ship/free-names.ts";

const free = (source: string): string[] => [...factsOf(source).free.keys()].sort();

it("hides a captured name in its block only", async () => {
  const name = (): string => "outer";
  await using pool = new Pool({ threads: 1 });
  const f = (inner: boolean): string => {
    if (inner) {
      return name();
      function name(): string {
        return "inner";
      }
    }
    return name();
  };
  expect([await pool.run(f, true), await pool.run(f, false)]).toEqual(["inner", "outer"]);
});

it("is a var of the function around it in sloppy code", () => {
  expect(free("() => { { function f() {} } return f; }")).toEqual(["f"]);
  expect(free("() => { with (x) {} { function f() {} } return f; }")).toEqual(["x"]);
  expect(free("() => { switch (x) { case 1: function f() {} } return f; }")).toEqual(["f", "x"]);
});
