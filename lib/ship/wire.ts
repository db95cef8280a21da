// What travels: a list of nodes that refer to each other by index, in a form that structured clone can copy. It copies
// all the nodes of one message together, so an object that two nodes hold is one object on the other side too.

import type { Shape } from "./free-names.ts";
import type { SharedViewNode } from "./shared-view.ts";

/** Index of a node, or a primitive in a box. */
export type Ref = number | [primitive: unknown];

/** An own property: key, hidden (not enumerable)?, value; or getter and setter. */
export type Prop =
  readonly [key: Ref, hidden: boolean, value: Ref] | readonly [key: Ref, hidden: boolean, get: Ref, set: Ref];

export interface FunctionNode {
  readonly t: "fn";
  readonly id: string;
  readonly source: string;
  readonly shape: Shape;
  readonly strict: boolean;
  readonly computedKey: readonly [start: number, end: number] | undefined;
  readonly name: string;
  readonly url: string;
  /** Where the source text starts in the file, zero-based. */
  readonly line: number;
  readonly column: number;
  readonly names: readonly string[];
  captures: Ref[];
  /** Own properties beside those that every function has; the statics of a class. */
  props: Prop[];
  /** What was put on the prototype of an old-style constructor. */
  proto: Prop[];
}

export type Node =
  | { readonly t: "raw"; readonly value: unknown }
  | { readonly t: "moved"; readonly value: object; readonly isBuffer: boolean }
  // Where there is a hole, or an accessor, `items` has a hole.
  | { readonly t: "array"; readonly length: number; readonly items: Ref[]; of?: Ref; props: Prop[] }
  | { readonly t: "object"; readonly bare: boolean; readonly props: Prop[] }
  | { readonly t: "map"; readonly entries: [Ref, Ref][]; of?: Ref; props: Prop[] }
  | { readonly t: "set"; readonly items: Ref[]; of?: Ref; props: Prop[] }
  | { readonly t: "instance"; of: Ref; props: Prop[] }
  | { readonly t: "error"; of: Ref; readonly message: string; readonly stack: string; props: Prop[] }
  | { readonly t: "rebuilt"; readonly kind: string; readonly args: unknown[] }
  | { readonly t: "hook"; readonly module: string; readonly name: string; readonly data: Ref }
  | { readonly t: "global"; readonly path: readonly string[] }
  // Shared memory where only bytes can be sent: its name, and the array over it, if it is one.
  | { readonly t: "buffer"; readonly id: string; readonly view?: readonly [type: string, at: number, length: number] }
  | { readonly t: "symbol"; readonly key: string }
  | { readonly t: "import"; readonly specifier: string; readonly name: string }
  | { readonly t: "library"; readonly file: string; readonly name: string }
  | { readonly t: "home"; readonly id: string }
  | SharedViewNode
  | FunctionNode;

export interface Wire {
  readonly root: Ref;
  readonly nodes: readonly Node[];
}

/** By wire: what undoes what was done for its sake, where it is not sent after all. */
const undoing = new WeakMap<Wire, readonly (() => void)[]>();

export function undoneBy(wire: Wire, undo: readonly (() => void)[]): void {
  if (undo.length > 0) undoing.set(wire, undo);
}

/** Is there anything to be undone if it is not sent? */
export const hasToBeSent = (wire: Wire): boolean => undoing.has(wire);

/** It is not sent. */
export function unsent(wire: Wire): void {
  for (const undo of undoing.get(wire) ?? []) undo();
  undoing.delete(wire);
}

/** What a message with this wire must transfer. */
export function transferList(...wires: Wire[]): Transferable[] {
  const list = new Set<unknown>();
  for (const { nodes } of wires)
    for (const node of nodes)
      if (node.t === "moved") list.add(ArrayBuffer.isView(node.value) ? node.value.buffer : node.value);
  return [...list] as Transferable[];
}

type Transferable = import("node:worker_threads").Transferable;

/** A copy as of now, for a wire that is sent later: what the caller changes meanwhile is not seen. */
export function snapshot(wire: Wire): Wire {
  const holdsObjects = wire.nodes.some((node) => node.t === "raw" || node.t === "moved");
  if (!holdsObjects) return wire;
  const copy = structuredClone(wire, { transfer: transferList(wire) as never[] });
  undoneBy(copy, undoing.get(wire) ?? []);
  return copy;
}
