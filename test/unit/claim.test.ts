import { afterEach, expect, it, vi } from "vitest";
import { claim, ClaimError } from "../../lib/index.ts";
import { registerHost, type Host } from "../../lib/host.ts";

const log = vi.spyOn(console, "log").mockImplementation(() => {});
afterEach(() => {
  registerHost(undefined as never);
  log.mockClear();
});

it("is shown with a tick where it holds, and with a cross before its error where not", async () => {
  await claim("two", () => true);
  expect(log.mock.calls).toEqual([["✓ two"]]);
  await expect(claim("three", async () => false)).rejects.toBeInstanceOf(ClaimError);
  expect(log.mock.calls.at(-1)).toEqual(["✗ three"]);
  const thrown = new RangeError("broken");
  await expect(
    claim("four", () => {
      throw thrown;
    }),
  ).rejects.toBe(thrown);
  await expect(claim("five", () => Promise.reject(thrown))).rejects.toBe(thrown);
  expect(log.mock.calls.slice(-2)).toEqual([["✗ four"], ["✗ five"]]);
});

it("says in a notebook what held", async () => {
  const shown: unknown[] = [];
  registerHost({
    display: (bundle, metadata) => void shown.push([bundle["text/plain"], metadata]),
  } as Partial<Host> as Host);
  await expect(claim("x", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(shown).toEqual([["✗ x", { braid: { claim: "x", holds: false } }]]);
});

it("expects a text and a function", async () => {
  await expect((claim as any)("x")).rejects.toThrow(
    new TypeError("claim() expects a function that checks the claim second, got undefined."),
  );
  await expect((claim as any)(() => true)).rejects.toThrow(/^claim\(\) expects its text first, a string, got function/);
  expect(log).not.toHaveBeenCalled();
});
