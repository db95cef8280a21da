// Checks of what callers pass: what came, what was expected, in one sentence.

export const MAX_THREADS = 1024;

export function checkThreads(threads: unknown): number {
  return checkInteger("threads", threads, 1, MAX_THREADS);
}

export function checkInteger(name: string, value: unknown, from: number, to: number): number {
  const range = `a whole number from ${from}${to === Infinity ? "" : ` to ${to}`}`;
  if (typeof value !== "number") throw new TypeError(`Expected ${name} to be ${range}, got ${show(value)}.`);
  if (!Number.isInteger(value) || value < from || value > to)
    throw new RangeError(`Expected ${name} to be ${range}, got ${value}.`);
  return value;
}

export function checkBigInt(name: string, value: unknown, from: bigint, to: bigint): bigint {
  const range = `a bigint from ${from}n to ${to}n`;
  if (typeof value !== "bigint") throw new TypeError(`Expected ${name} to be ${range}, got ${show(value)}.`);
  if (value < from || value > to) throw new RangeError(`Expected ${name} to be ${range}, got ${value}n.`);
  return value;
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(`Expected ${name} to be true or false, got ${show(value)}.`);
  return value;
}

export function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (typeof value !== "string" || !choices.includes(value))
    throw new TypeError(
      `Expected ${name} to be one of ${choices.map((one) => `"${one}"`).join(", ")}, got ${show(value)}.`,
    );
}

export function checkMilliseconds(name: string, value: unknown): number {
  if (typeof value !== "number")
    throw new TypeError(`Expected ${name} to be a number of milliseconds, got ${show(value)}.`);
  if (!(value >= 0)) throw new RangeError(`Expected ${name} to be 0 or more milliseconds, got ${value}.`);
  return value;
}

export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(`Expected ${name} to be a function, got ${show(value)}.`);
}

export function checkIterable<T>(name: string, value: Iterable<T>): Iterable<T> {
  if (typeof (value as { [Symbol.iterator]?: unknown } | undefined | null)?.[Symbol.iterator] !== "function")
    throw new TypeError(`Expected ${name} to be iterable (an array, a Set, …), got ${show(value)}.`);
  return value;
}

export function checkSignal(signal: unknown): void {
  if (!(signal instanceof AbortSignal))
    throw new TypeError(`Expected signal to be an AbortSignal, got ${show(signal)}.`);
}

/** The options of `whose`: an object that holds nothing but what is known. */
export function checkKnown(whose: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new TypeError(`Expected the options of ${whose} to be an object, got ${show(options)}.`);
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new TypeError(`${whose} has no option ${JSON.stringify(name)}; its options are ${known.join(", ")}.`);
}

/** The only option that some have: what it is called in messages. */
export function checkName(whose: string, options: { name?: unknown }): string | undefined {
  checkKnown(whose, options, ["name"]);
  const { name } = options;
  if (name !== undefined && (typeof name !== "string" || name === ""))
    throw new TypeError(`Expected name to be a string that is not empty, got ${show(name)}.`);
  return name;
}

/** The options of something that waits, of which it knows these. */
export function checkWait(
  whose: string,
  options: { timeoutMs?: unknown; signal?: unknown },
  known: readonly string[],
): void {
  checkKnown(whose, options, known);
  if (options.timeoutMs !== undefined) checkMilliseconds("timeoutMs", options.timeoutMs);
  if (options.signal !== undefined) checkSignal(options.signal);
}

/** What came instead, in a few words. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (value === null) return "null";
  if (typeof value !== "object") return `${String(value)} (${typeof value})`;
  return Array.isArray(value) ? "an array" : `an object of class ${value.constructor?.name ?? "null"}`;
}
