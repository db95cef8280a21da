import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameKind, FrameReader, FrameWriter } from "../../kernel/link/frames.ts";

function written(...writes: { kind: FrameKind; data: string | Uint8Array; cell: number; thread?: number }[]): Buffer {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "frames-")), "pipe");
  const fd = fs.openSync(file, "w");
  for (const { kind, data, cell, thread = 0 } of writes) new FrameWriter(fd, thread).write(kind, data, cell);
  fs.closeSync(fd);
  return fs.readFileSync(file);
}

describe("frames", () => {
  it("arrive whole and in order however the pipe cuts them", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            text: fc.string({ unit: "grapheme", maxLength: 40 }),
            times: fc.integer({ min: 1, max: 2000 }),
            cell: fc.nat(1000),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 }),
        (messages, cuts) => {
          const bytes = written(
            ...messages.map(({ text, times, cell }) => ({ kind: FrameKind.stdout, data: text.repeat(times), cell })),
          );
          const reader = new FrameReader();
          const seen: { text: string; cell: number }[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = at + cuts[i % cuts.length]!;
            for (const frame of reader.read(bytes.subarray(at, end)))
              seen.push({ text: frame.body.toString(), cell: frame.cell });
            at = end;
          }
          const wanted = messages.map(({ text, times, cell }) => ({ text: text.repeat(times), cell }));
          expect(seen.filter(({ text }) => text !== "")).toEqual(wanted.filter(({ text }) => text !== ""));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("of two threads may interleave without tearing a long write", () => {
    const long = "x".repeat(50_000);
    const bytes = written({ kind: FrameKind.stdout, data: long, cell: 1, thread: 1 });
    const other = written({ kind: FrameKind.stdout, data: "short", cell: 2, thread: 2 });
    const cut = 12 + 16 * 1024;
    const frames = [...new FrameReader().read(Buffer.concat([bytes.subarray(0, cut), other, bytes.subarray(cut)]))];
    expect(frames.map(({ thread, body }) => [thread, body.length])).toEqual([
      [2, 5],
      [1, 50_000],
    ]);
  });

  it("of a write that was cut off don't spoil the next: text is kept, a torn message dropped", () => {
    const cut = 12 + 16 * 1024;
    const read = (kind: FrameKind) => {
      const torn = written({ kind, data: "x".repeat(50_000), cell: 1 }).subarray(0, cut);
      const next = written({ kind, data: "y".repeat(50_000), cell: 2 });
      return [...new FrameReader().read(Buffer.concat([torn, next]))].map(({ cell, body }) => [cell, body.length]);
    };
    expect(read(FrameKind.stdout)).toEqual([
      [1, 16 * 1024],
      [2, 50_000],
    ]);
    expect(read(FrameKind.message)).toEqual([[2, 50_000]]);
  });
});
