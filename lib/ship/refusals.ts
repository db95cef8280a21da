// What can't cross threads, in words: the kind of value, and what to do instead.

import { MessagePort } from "node:worker_threads";
import { types } from "node:util";

export interface Refusal {
  /** Completes "x is …". */
  readonly what: string;
  /** What to do, a clause. */
  readonly remedy: string;
}

/** Why an object of no sendable kind is refused. */
export function refusalOf(value: object): Refusal {
  const name = value.constructor?.name || "object without a class";
  if (types.isProxy(value))
    return { what: "a Proxy, whose handler can't be seen", remedy: "send the object behind it" };
  if (types.isPromise(value))
    return { what: "a Promise, which settles in its own thread", remedy: "await it and send the result" };
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef)
    return {
      what: `a ${name}, which holds identities of this thread's heap`,
      remedy: "use a Map or a Set, or create it inside the function",
    };
  if (types.isGeneratorObject(value))
    return {
      what: "a generator object, which is suspended in its own thread",
      remedy: "send the generator function and call it there, or send the values as an array",
    };
  if (
    types.isMapIterator(value) ||
    types.isSetIterator(value) ||
    typeof (value as { next?: unknown }).next === "function"
  )
    return { what: "an iterator, which is under way in its own thread", remedy: "send its values as an array" };
  if (types.isArgumentsObject(value)) return { what: "an arguments object", remedy: "send [...arguments]" };
  if (types.isModuleNamespaceObject(value))
    return { what: "a module whose origin is not known", remedy: "import it inside the function" };
  if (types.isExternal(value)) return { what: "memory of a native add-on", remedy: "open it inside the function" };
  if (value instanceof MessagePort || value instanceof ReadableStream || value instanceof WritableStream)
    return { what: `a ${name}, which can't be copied`, remedy: "hand it over with move()" };
  const { pipe, on } = value as { pipe?: unknown; on?: unknown };
  if (
    typeof on === "function" &&
    (typeof pipe === "function" || typeof (value as { write?: unknown }).write === "function")
  )
    return {
      what: `a ${name}, a stream that belongs to the thread that opened it`,
      remedy: "open it inside the function",
    };
  if (value instanceof AbortSignal || value instanceof AbortController)
    return {
      what: `an ${name}, which works in its own thread only`,
      remedy: "pass the signal as an option of the call",
    };
  if (Object.prototype.toString.call(value) === "[object WebAssembly.Instance]")
    return { what: "a WebAssembly.Instance", remedy: "send its WebAssembly.Module and instantiate it there" };
  return {
    what: `an object of the class ${name}, which belongs to the thread that made it`,
    remedy: "create it inside the function, or send plain data",
  };
}
