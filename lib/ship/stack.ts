// A stack trace without the frames of this library and of Node's inside.

const ROOT = new URL("../", import.meta.url).href;
const FOLDER = decodeURIComponent(new URL(ROOT).pathname);

export function trimStack(stack: string): string {
  const lines = stack.split("\n");
  const kept = lines.filter(
    (line) => !/^\s+at /.test(line) || !(line.includes(ROOT) || line.includes(FOLDER) || /[( ]node:/.test(line)),
  );
  return kept.join("\n");
}
