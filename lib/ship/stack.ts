// Stack traces without the frames of this library and of Node's inside, and stacks that are used up.

const ROOT = new URL("../", import.meta.url).href;
const FOLDER = decodeURIComponent(new URL(ROOT).pathname);

export function trimStack(stack: string): string {
  const lines = stack.split("\n");
  const kept = lines.filter(
    (line) => !/^\s+at /.test(line) || !(line.includes(ROOT) || line.includes(FOLDER) || /[( ]node:/.test(line)),
  );
  return kept.join("\n");
}

export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes("call stack");
}

/** Why a message could not be posted or read: structured clone goes as deep as the data does. */
export function whyNotCloned(cause: Error): string {
  return isStackOverflow(cause)
    ? "its data is nested too deeply: send it flat, for example as arrays that refer to each other by index"
    : cause.message.replace(/\.$/, "");
}
