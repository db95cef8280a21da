// Functions that are the same each time they are shipped: their text and everything that they capture is constant. A
// thread makes such a function once, so that V8 goes on with what it has learned of it. Made anew for each task, a
// function called in a hot loop costs eight times as much: the loop was optimised for its twin.

import { seesItself } from "./encode-function.ts";
import type { FunctionNode, Node } from "./wire.ts";

/** A function that reaches more than this is made anew: its key would cost more than it saves. */
const MOST = 300;

const functions = new Map<number, Function>();
const numbers = new Map<string, number>();
let count = 0;

export function knownConstant(key: number): Function | undefined {
  return functions.get(key);
}

export function rememberConstant(key: number, fn: Function): void {
  add(functions, key, fn, 1000);
}

/** Texts go by number, or the text of a function would hold those of all that it calls. A number is never given twice. */
function numberOf(text: string): number {
  const number = numbers.get(text) ?? ++count;
  add(numbers, text, number, 5000);
  return number;
}

/** The oldest goes where there are too many. */
function add<K, V>(map: Map<K, V>, key: K, value: V, limit: number): void {
  if (map.size >= limit && !map.has(key)) map.delete(map.keys().next().value!);
  map.set(key, value);
}

/** The keys of the functions of one wire. */
export class ConstantKeys {
  readonly #nodes: readonly Node[];
  readonly #own = new Map<Node, number | undefined>();

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  /** A key that is equal for functions that can't be told apart; undefined for one that captures what may change. */
  of(root: FunctionNode): number | undefined {
    // All that it reaches, in the order in which it is met, by which they refer to each other.
    const met = new Map<Node, number>([[root, 0]]);
    const text: (string | number)[] = [];
    for (const [node] of met) {
      if (met.size > MOST) return undefined;
      const own = this.#ownNumber(node);
      if (own === undefined) return undefined;
      text.push(own);
      for (const ref of node.t === "fn" ? node.captures : []) {
        if (typeof ref === "number") {
          const captured = this.#nodes[ref]!;
          if (!met.has(captured)) met.set(captured, met.size);
          text.push(`@${met.get(captured)}`);
        } else text.push(typeof ref[0], Object.is(ref[0], -0) ? "-0" : JSON.stringify(String(ref[0])));
      }
    }
    return numberOf(text.join(" "));
  }

  /** The number of what a node is by itself; undefined where that may change. */
  #ownNumber(node: Node): number | undefined {
    if (!this.#own.has(node)) {
      const text = ownText(node);
      this.#own.set(node, text === undefined ? undefined : numberOf(text));
    }
    return this.#own.get(node);
  }
}

function ownText(node: Node): string | undefined {
  if (node.t === "global" || node.t === "symbol" || node.t === "library" || node.t === "import")
    return JSON.stringify(node);
  if (node.t !== "fn" || node.shape === "class" || node.props.length > 0 || node.proto.length > 0) return undefined;
  // What it keeps on itself, or changes by eval, would be there the next time.
  if (seesItself(node.source, node.name) || node.source.includes("eval")) return undefined;
  const { url, line, column, name, names, source } = node;
  return JSON.stringify([url, line, column, name, names, source]);
}
