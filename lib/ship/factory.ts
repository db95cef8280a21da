// Compiles the source of a shipped function: a script that gives instances of it, each with captures of its own. Stack
// frames show the file, line and column that the function was written at.

import vm from "node:vm";
import { rememberStart } from "./encode-function.ts";
import type { FunctionNode } from "./wire.ts";

/** One function made from a source, before and after its captures are there. */
export interface Instance {
  put(captures: unknown[]): void;
  make(): Function;
}

const factories = new Map<string, () => Instance>();
const LIMIT = 2000;

/** An instance of the function of a node. The script is compiled once for each source and place. */
export function compile(node: FunctionNode): Instance {
  const key = JSON.stringify([node.url, node.line, node.column, node.name, node.names, node.source]);
  let factory = factories.get(key);
  if (!factory) {
    // The oldest goes: what is still in use will be compiled again.
    if (factories.size >= LIMIT) factories.delete(factories.keys().next().value!);
    factories.set(key, (factory = build(node)));
  }
  return factory();
}

/** Makes closures of one text, each with these values of its captures, in the order of the node's names. */
export function closureMaker(node: FunctionNode): (values: readonly unknown[]) => Function {
  const factory = build(node);
  let last: { readonly values: readonly unknown[]; readonly fn: Function } | undefined;
  return (values) => {
    // Made anew, a function that is called in a hot loop is one that V8 has not met.
    if (last?.values.every((value, i) => Object.is(value, values[i]))) return last.fn;
    const instance = factory();
    instance.put([...values]);
    const fn = instance.make();
    if (fn.name !== node.name) Object.defineProperty(fn, "name", { value: node.name, configurable: true });
    rememberStart(fn, node);
    last = { values, fn };
    return fn;
  };
}

function build(node: FunctionNode): () => Instance {
  const { names, url, line, column } = node;
  const [before, after] = around(node);
  // By `var`: whether a `let` has been declared yet V8 would check at each use, and a hot loop would take seven times as long.
  const declare = names.length > 0 ? `var ${names.join(",")};` : "";
  const put = names.length > 0 ? `[${names.join(",")}]=arguments[0]` : "";
  // The source stands on a line of its own, moved to its column, and everything else on the lines before and after it.
  const text =
    `(function(){${node.strict ? '"use strict";' : ""}${declare}return{put(){${put}},make(){return ${before}\n` +
    `${" ".repeat(column)}${withoutComputedKey(node)}\n${after}}}})`;
  const script = new vm.Script(text, {
    filename: url || "braid-function",
    lineOffset: line - 1,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return script.runInThisContext() as () => Instance;
}

/** What goes around the text to make it an expression, so that an anonymous function keeps the name it was given. */
function around({ shape, name }: FunctionNode): [string, string] {
  switch (shape) {
    case "method":
      return ["Object.values({", "})[0]"];
    case "accessor":
      return ["(d=>d.get??d.set)(Object.values(Object.getOwnPropertyDescriptors({", "}))[0])"];
    default:
      return name ? [`({[${JSON.stringify(name)}]:`, `})[${JSON.stringify(name)}]`] : ["(0,", ")"];
  }
}

/** `[key]() {…}` with a name in the key's place: what the key was made from does not go along. */
function withoutComputedKey({ source, computedKey }: FunctionNode): string {
  if (!computedKey) return source;
  const [start, end] = computedKey;
  return `${source.slice(0, start)}_${source.slice(start + 1, end).replace(/[^\n]/g, " ")}${source.slice(end)}`;
}
