// Checks of what callers pass to the plot functions. Each failure is one sentence: what came and what was expected.

export function checkNumber(where: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new TypeError(`${where} needs to be a finite number; got ${say(value)}.`);
  }
  return value;
}

export function checkArray<T>(where: string, value: unknown, of: string): readonly T[] {
  if (!Array.isArray(value)) throw new TypeError(`${where} needs an array of ${of}; got ${say(value)}.`);
  if (value.length === 0) throw new RangeError(`${where} needs at least one of ${of}; got an empty array.`);
  value.forEach((item, index) => {
    if (typeof item !== "object" || item === null) {
      throw new TypeError(`${where} needs an array of ${of}; got ${say(item)} at index ${index}.`);
    }
  });
  return value;
}

export function checkNames(where: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new TypeError(`${where} needs an array of names; got ${say(value)}.`);
  value.forEach((name, index) => {
    if (typeof name !== "string") throw new TypeError(`${where} needs names; got ${say(name)} at index ${index}.`);
  });
  return value as readonly string[];
}

/** Numbers by name: a record of arrays, or one array without a name. */
export function checkSeries(where: string, value: unknown): [name: string, numbers: readonly number[]][] {
  const one = Array.isArray(value) || ArrayBuffer.isView(value);
  if (!one && !isRecord(value))
    throw new TypeError(`${where} needs numbers, or an object of numbers by name; got ${say(value)}.`);
  const series: [string, unknown][] = one ? [["", value]] : Object.entries(value as object);
  if (series.length === 0) throw new RangeError(`${where} needs at least one series of numbers; got none.`);
  return series.map(([name, of]) => {
    const whose = name === "" ? where : `${where}: ${JSON.stringify(name)}`;
    if (!Array.isArray(of) && !ArrayBuffer.isView(of))
      throw new TypeError(`${whose} needs an array of numbers; got ${say(of)}.`);
    const numbers = Array.from(of as unknown as ArrayLike<number>);
    if (numbers.length === 0) throw new RangeError(`${whose} needs at least one number; got none.`);
    numbers.forEach((number, index) => checkNumber(`${whose}: number ${index}`, number));
    return [name, numbers];
  });
}

/** A logarithmic axis has no place for zero and less. */
export function checkPositive(where: string, value: number): void {
  if (value <= 0) throw new RangeError(`${where} is ${value}, and a logarithmic axis needs numbers above 0.`);
}

/** The options that all plot functions share. */
export function checkOptions(where: string, options: unknown): void {
  if (!isRecord(options)) throw new TypeError(`${where} needs its options to be an object; got ${say(options)}.`);
  for (const name of ["title", "subtitle", "xTitle", "yTitle"])
    if (options[name] !== undefined && typeof options[name] !== "string")
      throw new TypeError(`${where}: expected ${name} to be a string, got ${shown(options[name])}.`);
  const { height } = options;
  if (height === undefined) return;
  if (checkNumber(`${where}: height`, height) <= 0)
    throw new RangeError(`${where}: height is ${String(height)}, and it needs to be above 0.`);
}

function shown(value: unknown): string {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : say(value);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function say(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return `${typeof value} ${String(value)}`;
}
