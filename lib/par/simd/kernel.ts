// A kernel on a thread: bound to the memories of its arrays, it works on chunks.

import { MAX_ARGS, MAX_OPERANDS } from "../../engine/regions.ts";
import { placeOf } from "../../memory/place.ts";
import { inLibrary } from "../../ship/index.ts";
import { Instance, Memory, type WasmMemory, type WasmModule } from "../../wasm.ts";
import { chunkLoop } from "../chunk-loop.ts";
import { chunkStart } from "../grid.ts";
import { letGoLater } from "../last-call.ts";
import type { Ending, Loop, Operands, Plan } from "../plan.ts";
import { streamType } from "./closures.ts";
import type { Compiled } from "./compile.ts";

import { imported } from "./math.ts";
import { FOUND, GAVE_UP } from "./nodes.ts";
import type { Stream } from "./vectors.ts";

/** What is shipped to the threads. */
export interface Kernel extends Omit<Compiled, "bytes"> {
  /** Equal for modules that are the same one, by whatever message they came. */
  readonly id: string;
  readonly module: WasmModule;
  /** Captured: streams after those of the operands. */
  readonly arrays: readonly ArrayBufferView[];
  /** Captured: parameters after the start of a range. */
  readonly params: readonly number[];
  readonly kind: Operands["kind"];
  /** It is made for ranges from 0 on. */
  readonly fromZero: boolean;
}

interface Exports {
  chunk(...numbers: number[]): number;
  tell(): number;
}

/** A memory, after those before it: what is bound to just these, and the memories that may follow. */
interface Bindings {
  readonly exports: WeakMap<WasmModule, Exports>;
  readonly next: WeakMap<WasmMemory, Bindings>;
}

const modules = new Map<string, WasmModule>();
const MOST_MODULES = 500;
/** Keeps nothing alive, also in a loop that awaits nothing, as a WeakRef would. */
const bound: Bindings = { exports: new WeakMap(), next: new WeakMap() };

function bind({ id, module: came, imports }: Kernel, memories: readonly WasmMemory[]): Exports {
  const module = modules.get(id) ?? came;
  if (!modules.has(id)) {
    if (modules.size >= MOST_MODULES) modules.delete(modules.keys().next().value!);
    modules.set(id, module);
  }
  let at = bound;
  for (const memory of memories) {
    const next = at.next.get(memory) ?? { exports: new WeakMap(), next: new WeakMap() };
    at.next.set(memory, next);
    at = next;
  }
  const known = at.exports.get(module);
  if (known) return known;
  const { exports } = new Instance(module, {
    memory: Object.fromEntries(memories.map((memory, n) => [n, memory])),
    math: Object.fromEntries(imports.map((name) => [name, imported(name)])),
  });
  at.exports.set(module, exports as unknown as Exports);
  return exports as unknown as Exports;
}

interface Place {
  readonly memory: WasmMemory;
  readonly from: number;
  readonly to: number;
  readonly size: number;
  readonly length: number;
}

const VIEWS = { f64: Float64Array, f32: Float32Array, i32: Int32Array } as Record<
  Stream["type"],
  new (buffer: SharedArrayBuffer, at: number, length: number) => ArrayLike<number>
>;
/** A page: an array that is written to and lies in no memory of its own, as small ones do, is stood in for by this one. */
const STAND_IN_BYTES = 65536;
let ownStandIn: WasmMemory | undefined;
const standIn = (): WasmMemory => (ownStandIn ??= new Memory({ initial: 1, maximum: 1, shared: true }));

/** The arrays of a call, in the order of the streams; or why the kernel can't take them. */
export function placesOf(
  kernel: Omit<Kernel, "id" | "module">,
  { kind, source, out, offset, cols }: Operands,
): Place[] | string {
  if (kind !== kernel.kind || (kernel.fromZero && offset !== 0)) return "the kernel is made for other elements";
  const arrays = [...(kind === "range" ? [] : [source]), ...(out ? [out] : []), ...kernel.arrays] as Float64Array[];
  const places: Place[] = [];
  for (const [n, array] of arrays.entries()) {
    const { type } = kernel.streams[n]!;
    const isOut = array === out;
    if (streamType(array) !== type && !(isOut && type === "i32" && (array as unknown) instanceof Uint32Array))
      return "the kernel is made for other arrays";
    // What it is about to write is written elsewhere, and copied.
    const isCopied = isOut && array.byteLength <= STAND_IN_BYTES;
    const found = placeOf(array) ?? (isCopied ? { memory: standIn(), byteOffset: 0 } : undefined);
    const which = isOut ? "the array that is written to" : n === 0 ? "the array" : "a captured array";
    if (!found) return `${which} is not in the memory of a shared() array of 32 KiB or more`;
    const { memory, byteOffset } = found;
    // A row's address is computed with 32 bits.
    if (byteOffset + array.byteLength >= 2 ** 32) return `${which} is too large`;
    const to = byteOffset + array.byteLength;
    places.push({
      memory,
      from: byteOffset,
      to,
      size: array.BYTES_PER_ELEMENT,
      length: n === 0 && kind === "rows" ? cols : array.length,
    });
  }
  if (kind === "rows" && cols === 0) return "the rows are empty";
  const at = kind === "range" ? 0 : 1;
  const target = out ? places[at] : undefined;
  const isApart = (other: Place, n: number): boolean => {
    if (!target || n === at || other.memory !== target.memory) return true;
    if (other.from >= target.to || target.from >= other.to) return true;
    // A chunk that the kernel gives up is done again, from what was there before.
    return other.from === target.from && other.size === target.size && kernel.scattered.length === 0;
  };
  if (!places.every(isApart)) return "the array that is written to overlaps one that is read";
  return places;
}

/** How many elements, from the first on, a kernel can take; it has been made for these operands. */
export const reachOf = (kernel: Kernel, operands: Operands): number =>
  mostElements(kernel, placesOf(kernel, operands) as Place[], operands.offset);

/** Up to here all that it reads at an element's own place is there, and places are 32-bit integers. */
function mostElements({ lockstep }: Pick<Kernel, "lockstep">, places: readonly Place[], offset: number): number {
  return Math.min(2 ** 31 - 64 - Math.abs(offset), ...lockstep.map((n) => places[n]!.length));
}

/** The loop of a kernel; where it can't take what it gets, and where it gives up, that of JavaScript. */
export const kernelLoop = (plan: Plan, operands: Operands): Loop => {
  const kernel = plan.kernel as Kernel;
  let inJavaScript: Loop | undefined;
  const written: Loop = (first, end) => (inJavaScript ??= chunkLoop(plan, operands))(first, end);
  const places = placesOf(kernel, operands);
  if (typeof places === "string") return written;
  const { chunk, tell } = bind(
    kernel,
    places.map(({ memory }) => memory),
  );
  const { kind, fromZero, tells } = kernel;
  const run = withNumbers(chunk, [
    ...places.flatMap(({ from, length }) => [from, length]),
    ...(kind === "range" && !fromZero ? [operands.offset] : []),
    ...kernel.params,
  ]);
  const shortest = mostElements(kernel, places, operands.offset);
  const out = operands.out as Float64Array | undefined;
  const copy =
    out && !placeOf(out)
      ? new VIEWS[kernel.streams[kind === "range" ? 0 : 1]!.type](standIn().buffer, 0, out.length)
      : undefined;
  const isBest = kernel.to === "min" || kernel.to === "max";
  // A reduction that nothing was left for gives what it starts from.
  const none = plan.ending === "reduce" ? plan.zero : undefined;
  return (first, end) => {
    if (end > shortest) return written(first, end);
    const result = run(first, end);
    if (tells) {
      const told = tell();
      if ((told & (1 << GAVE_UP)) !== 0) return written(first, end);
      if (isBest && (told & (1 << FOUND)) === 0) return none;
    }
    if (kernel.to !== "array") return result;
    if (copy) for (let i = first; i < end; i++) out![i] = copy[i]!;
    return undefined;
  };
};

type Run = (first: number, end: number) => number;
const callers = new Map<number, (chunk: Exports["chunk"], numbers: readonly number[]) => Run>();

/** A list of arguments that V8 knows takes a tenth of the time of one that is spread. */
function withNumbers(chunk: Exports["chunk"], numbers: readonly number[]): Run {
  const { length } = numbers;
  let caller = callers.get(length);
  if (!caller) {
    const names = numbers.map((_, n) => `n${n}`).join();
    const code = `const [${names}]=numbers;return (first,end)=>chunk(first,end,${names})`;
    caller = new Function("chunk", "numbers", code) as (chunk: Exports["chunk"], numbers: readonly number[]) => Run;
    callers.set(length, caller);
  }
  return caller(chunk, numbers);
}

/** What is shipped once of a kernel that needs no functions beside it. */
export interface AloneContext {
  readonly kernel: Omit<Kernel, "arrays" | "params">;
  readonly ending: Ending;
  readonly zero: unknown;
}

/** Captured arrays and numbers come with the call: [elements, chunks, start of the range or length of a row, …numbers]. */
export const kernelAlone = ({ kernel, ending, zero }: AloneContext) => {
  let loop: Loop | undefined;
  let of: readonly [args: readonly number[], arrays: readonly unknown[]] = [[], []];
  const letGo = (): void => {
    loop = undefined;
    of = [[], []];
  };
  return (chunk: number, args: readonly number[], arrays: readonly unknown[]): unknown => {
    const isSame =
      (args === of[0] && arrays === of[1]) ||
      (args.every((one, n) => Object.is(one, of[0][n])) && arrays.every((one, n) => one === of[1][n]));
    const [elements, chunks, special] = args as [number, number, number];
    if (!loop || !isSame) {
      letGoLater(letGo);
      of = [args, arrays];
      const { kind } = kernel;
      const [hasSource, hasOut] = [kind === "range" ? 0 : 1, kernel.to === "array" ? 1 : 0];
      const captured = { arrays: arrays.slice(hasSource + hasOut) as ArrayBufferView[], params: args.slice(3) };
      const operands: Operands = {
        kind,
        source: (hasSource ? arrays[0] : undefined) as Operands["source"],
        offset: kind === "range" ? special : 0,
        cols: kind === "rows" ? special : 0,
        out: (hasOut ? arrays[hasSource] : undefined) as Operands["out"],
      };
      loop = kernelLoop({ backend: "simd", stages: [], ending, zero, kernel: { ...kernel, ...captured } }, operands);
    }
    return loop(chunkStart(elements, chunks, chunk), chunkStart(elements, chunks, chunk + 1));
  };
};

/** The numbers and arrays for `kernelAlone`; undefined where a chunk may have to be done in JavaScript. */
export function callAlone(
  kernel: Kernel,
  operands: Operands,
  elements: number,
  chunks: number,
): { args: number[]; operands: object[] } | undefined {
  const { kind, source, out, offset, cols } = operands;
  const places = placesOf(kernel, operands);
  if (typeof places === "string" || kernel.scattered.length > 0) return undefined;
  if (elements > mostElements(kernel, places, offset)) return undefined;
  const args = [elements, chunks, kind === "rows" ? cols : offset, ...kernel.params];
  const arrays = [...(kind === "range" ? [] : [source]), ...(out ? [out] : []), ...kernel.arrays] as object[];
  return args.length <= MAX_ARGS && arrays.length <= MAX_OPERANDS ? { args, operands: arrays } : undefined;
}

inLibrary(import.meta.url, { kernelLoop, kernelAlone });
