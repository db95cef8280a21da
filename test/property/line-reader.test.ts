// What is read from a store's connection does not depend on how it is cut into pieces.

import fc from "fast-check";
import { expect, it } from "vitest";
import { lineReader } from "../../lib/peers/store/line-reader.ts";

it("gives the lines and the bytes that were sent, however they are cut", () => {
  const item = fc.oneof(
    fc.stringMatching(/^[a-z ]{0,12}$/),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Uint8Array.from(bytes)),
  );
  const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(fc.array(item, { maxLength: 12 }), cuts, (items, sizes) => {
      const sent = Buffer.concat(
        items.flatMap((one) =>
          typeof one === "string"
            ? [Buffer.from(`${one}\r\n`)]
            : [Buffer.from(`$${one.length}\r\n`), one, Buffer.from("\r\n")],
        ),
      );
      const got: (string | Uint8Array)[] = [];
      const read = lineReader(
        (line) => {
          if (line.startsWith("$")) return Number(line.slice(1));
          got.push(line);
          return undefined;
        },
        (bytes) => got.push(bytes),
      );
      for (let at = 0; at < sent.length;) {
        const size = sizes.next().value;
        read(sent.subarray(at, (at += size)));
      }
      expect(got).toEqual(items);
      for (const one of got) if (typeof one !== "string") expect(one.buffer.byteLength).toBe(one.length);
    }),
  );
});
