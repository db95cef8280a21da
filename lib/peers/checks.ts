// Checks of what callers pass: what came, what was expected, in one sentence.

export function checkOptions(whose: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new TypeError(`Expected the options of ${whose} to be an object, got ${show(options)}.`);
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new TypeError(`${whose} has no option ${JSON.stringify(name)}; its options are ${known.join(", ")}.`);
}

export function checkTexts(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`Expected ${name} to be an array of strings, got ${show(value)}.`);
  const wrong = value.findIndex((one) => typeof one !== "string");
  if (wrong >= 0)
    throw new TypeError(`Expected ${name} to be an array of strings, got ${show(value[wrong])} at index ${wrong}.`);
}

export function checkText(name: string, value: unknown): void {
  if (typeof value !== "string") throw new TypeError(`Expected ${name} to be a string, got ${show(value)}.`);
}

/** They are written into a file that cargo reads. */
export function checkCrates(value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`Expected crates to be an object of versions by name, got ${show(value)}.`);
  for (const [name, version] of Object.entries(value)) {
    if (!/^[a-zA-Z][\w-]*$/.test(name))
      throw new TypeError(`Expected crates to have the names of crates, got ${show(name)}.`);
    if (typeof version !== "string" || !/^[\w.+^~=<>*, -]+$/.test(version))
      throw new TypeError(`Expected crates.${name} to be a version like "1.11", got ${show(version)}.`);
  }
}

/** A timer takes no more: it would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

export function checkTimeout(value: unknown): void {
  if (typeof value !== "number")
    throw new TypeError(`Expected timeoutMs to be a number of milliseconds, got ${show(value)}.`);
  if (!(value > 0 && value <= LONGEST_MS))
    throw new RangeError(`Expected timeoutMs to be above 0 and at most ${LONGEST_MS} milliseconds, got ${value}.`);
}

export function checkSignal(value: unknown): void {
  if (!(value instanceof AbortSignal)) throw new TypeError(`Expected signal to be an AbortSignal, got ${show(value)}.`);
}

export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "function") return "a function";
  if (value === null) return "null";
  if (typeof value !== "object") return `${String(value)} (${typeof value})`;
  return Array.isArray(value) ? "an array" : `an object of class ${value.constructor?.name ?? "null"}`;
}
