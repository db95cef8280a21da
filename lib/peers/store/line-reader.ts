// Reads a protocol of lines, some of which announce that bytes follow: those of Redis and NATS are such.

const LONGEST_LINE = 2 ** 20;
const MOST_BYTES = 2 ** 30;

/**
 * Gives the function that takes what comes. `onLine` gets each line and says how many bytes follow it, if any, which
 * `onBytes` gets in memory of their own; both end with a line break of two characters. Throws what they throw.
 */
export function lineReader(
  onLine: (line: string) => number | undefined,
  onBytes: (bytes: Uint8Array<ArrayBuffer>) => void,
): (chunk: Uint8Array) => void {
  let line = "";
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  let filled = 0;
  /** Of the line break behind the bytes. */
  let toSkip = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length || (bytes && filled === bytes.length);) {
      if (bytes) {
        const part = chunk.subarray(at, at + bytes.length - filled);
        bytes.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < bytes.length) continue;
        const done = bytes;
        bytes = undefined;
        toSkip = 2;
        onBytes(done);
      } else if (toSkip > 0) {
        at++;
        toSkip--;
      } else {
        const end = chunk.indexOf(10, at);
        line += Buffer.from(chunk.buffer, chunk.byteOffset + at, (end < 0 ? chunk.length : end) - at).toString(
          "latin1",
        );
        at = end < 0 ? chunk.length : end + 1;
        if (line.length > LONGEST_LINE) throw new Error("a line of more than 1 MiB came");
        if (end < 0) continue;
        const length = onLine(line.replace(/\r$/, ""));
        line = "";
        if (length === undefined) continue;
        if (!(length >= 0 && length <= MOST_BYTES)) throw new Error(`a value of ${length} bytes was announced`);
        bytes = new Uint8Array(length);
        filled = 0;
      }
    }
  };
}
