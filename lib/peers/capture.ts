// What a program prints, kept up to a limit: the first half and the last half of it, and how much is missing between.

import type { Readable } from "node:stream";

/** 16 MiB of each stream. */
const HALF = 8 * 2 ** 20;

export interface Capture {
  text(): string;
  /** A sentence, if something is missing. */
  note(): string | undefined;
  /** Bytes that came so far. */
  readonly total: number;
}

export function capture(stream: Readable, name: string, half: number = HALF): Capture {
  const head: Buffer[] = [];
  let tail: Buffer[] = [];
  let headSize = 0;
  let tailSize = 0;
  let total = 0;
  stream.on("data", (chunk: Buffer) => {
    total += chunk.length;
    const toHead = chunk.subarray(0, half - headSize);
    if (toHead.length > 0) head.push(toHead);
    headSize += toHead.length;
    if (toHead.length === chunk.length) return;
    tail.push(chunk.subarray(toHead.length));
    tailSize += chunk.length - toHead.length;
    if (tailSize > 2 * half) trim();
  });
  stream.on("error", () => {}); // the program was killed while it printed
  function trim(): void {
    const all = Buffer.concat(tail);
    tail = [all.subarray(Math.max(0, all.length - half))];
    tailSize = tail[0]!.length;
  }
  const missing = (): number => {
    trim();
    return total - headSize - tailSize;
  };
  return {
    text() {
      const left = missing();
      if (left === 0) return Buffer.concat([...head, ...tail]).toString();
      return `${Buffer.concat(head).toString()}\n… ${left} bytes are left out here …\n${tail[0]!.toString()}`;
    },
    note() {
      const left = missing();
      return left === 0 ? undefined : `It printed ${total} bytes to ${name}: ${left} in the middle are left out.`;
    },
    get total() {
      return total;
    },
  };
}
