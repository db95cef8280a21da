// Numbers from arrays: at an element's own place, at one that is a fixed way off, anywhere; and from the rows of a matrix.

import { type Assumptions, Flow } from "./flow.ts";
import { asInt32, constant, isBoolean, type Value } from "./nodes.ts";
import type { Stream } from "./vectors.ts";

/** At the own place; at others, which arrays that are written must not share. */
type How = "lockstep" | "scattered";

interface LastRead {
  readonly stream: number;
  readonly place: Value;
  readonly moment: number;
  readonly value: Value;
}

export class Elements extends Flow {
  protected readonly streams: readonly Stream[];
  readonly reads: [how: How, stream: number][] = [];
  #lastRead: LastRead | undefined;

  constructor(assumptions: Assumptions, streams: readonly Stream[]) {
    super(assumptions);
    this.streams = streams;
  }

  lengthOf(stream: number): Value {
    return this.make("length", "i32", [], { max: 2 ** 31, whole: true }, { index: stream });
  }

  /** The number at the element's own place. */
  lockstep(stream: number): Value {
    this.reads.push(["lockstep", stream]);
    return this.#read("load", stream, []);
  }

  /** Undefined for a place of its own in each row. */
  protected element(stream: number, isRow: boolean, index: Value): Value | undefined {
    const place = isBoolean(index) ? this.number(index) : index;
    if (place.uniform) return this.#again(stream, this.leaf(place), (leaf) => this.#uniform(stream, isRow, leaf));
    if (isRow) return undefined;
    const offset = this.#offset(place, false);
    if (offset?.op === "const" && offset.value === 0) return this.lockstep(stream);
    this.reads.push(["scattered", stream]);
    if (offset) return this.#again(stream, place, () => this.#shifted(stream, this.leaf(offset)));
    return this.#gathered(stream, this.leaf(place));
  }

  /** `row[j] * row[j]` reads once. */
  #again(stream: number, place: Value, read: (place: Value) => Value): Value {
    const last = this.#lastRead;
    if (last?.stream === stream && last.moment === this.moment && isSameLeaf(last.place, place)) return last.value;
    const value = read(place);
    this.#lastRead = { stream, place, moment: this.moment, value };
    return value;
  }

  #read(op: string, stream: number, args: readonly Value[], isUniform = false): Value {
    const { type } = this.streams[stream]!;
    const facts = type === "i32" ? { max: 2 ** 31, whole: true } : {};
    return this.temp({ ...this.make(op, type, args, facts, { index: stream }), uniform: isUniform });
  }

  /** What is not there is undefined in JavaScript, which a kernel leaves to it. */
  #require(test: Value): void {
    this.block.push({ do: "give-up-unless", test });
  }

  #isInside(stream: number, place: Value): Value {
    const whole = asInt32(place);
    // Below 0 it is, without a sign, beyond all lengths.
    if (whole) return this.make("ltu", "b32", [whole, this.lengthOf(stream)]);
    const inside = this.logic(
      "and",
      this.compare("ge", place, constant(0)),
      this.compare("lt", place, this.lengthOf(stream)),
    );
    return this.logic("and", inside, this.#isWhole(place));
  }

  #isWhole(place: Value): Value {
    if (place.whole && place.max < Infinity) return this.truth(true);
    return this.compare("eq", this.unary("trunc", place), place);
  }

  #asIndex(place: Value): Value {
    return place.type === "f64" ? this.make("i32.of.f64", "i32", [place], { max: 2 ** 31, whole: true }) : place;
  }

  #bytes(stream: number, count: Value): Value {
    const shift = this.streams[stream]!.type === "f64" ? 3 : 2;
    return this.leaf(this.make("shl", "i32", [count, constant(shift, "i32")]));
  }

  #uniform(stream: number, isRow: boolean, place: Value): Value {
    this.reads.push(["scattered", stream]);
    this.#require(this.#isInside(stream, place));
    const offset = this.#bytes(stream, this.#asIndex(place));
    return isRow ? this.#read("cell", stream, [offset]) : this.#read("fetch", stream, [offset], true);
  }

  #shifted(stream: number, offset: Value): Value {
    const way = this.leaf(this.number(offset));
    const within = this.make("within", "b32", [way], {}, { index: stream });
    this.#require(this.logic("and", within, this.#isWhole(way)));
    return this.#read("shifted", stream, [this.#bytes(stream, this.#asIndex(way))]);
  }

  #gathered(stream: number, place: Value): Value {
    const inside = this.#isInside(stream, place);
    this.#require(this.all(inside));
    return this.#read("gather", stream, [this.leaf(this.#asIndex(place))]);
  }

  /** How far from its own place, if that is as far for all elements. */
  #offset(place: Value, isEarlier: boolean): Value | undefined {
    const { op, args } = place;
    if (op === "index") return constant(0);
    if (op === "f64.of.i32") return this.#offset(args[0]!, isEarlier);
    const definition = op === "local" ? this.definition(place.local!) : undefined;
    // What has been computed earlier was so with what variables were then.
    if (definition) return this.#offset(definition, true);
    if (op !== "add" && op !== "sub") return undefined;
    const [left, right] = args as [Value, Value];
    const [own, way] = right.uniform ? [left, right] : [right, left];
    if (!way.uniform || (op === "sub" && own === right)) return undefined;
    if (isEarlier && way.op !== "const" && way.op !== "param") return undefined;
    const offset = this.#offset(own, isEarlier);
    return offset && this.arithmetic(op, offset, way);
  }
}

function isSameLeaf(a: Value, b: Value): boolean {
  return (
    a === b ||
    (a.op === b.op &&
      a.type === b.type &&
      a.args.length === 0 &&
      b.args.length === 0 &&
      a.local === b.local &&
      a.index === b.index &&
      Object.is(a.value, b.value))
  );
}
