// What can't cross threads, in words: the kind of value, and what to do instead.

import { MessagePort } from "node:worker_threads";
import { types } from "node:util";
import { isMoved } from "./move.ts";

export interface Refusal {
  /** Completes "x is …". */
  readonly what: string;
  /** What to do, a clause. */
  readonly remedy: string;
}

/** What lies between the sender and the receiver: of threads, messages, or no more than bytes. */
export type Between = "threads" | "processes" | "bytes";

/**
 * Why an object that threads can be given can't go to another process. Left to themselves, Node's channels between
 * processes make a silent copy of some of these, and `{}` of others.
 */
export function keptByProcess(value: object): Refusal | undefined {
  const name = classNameOf(value);
  if (types.isSharedArrayBuffer(ArrayBuffer.isView(value) ? value.buffer : value))
    return {
      what: `shared memory (${name}), which processes don't have in common`,
      remedy: "use a Pool of threads, which share it, or send a copy",
    };
  if (isMoved(value))
    return {
      what: `a ${name} marked with move(), and nothing can be transferred to another process`,
      remedy: "leave move() out to send a copy",
    };
  if (value instanceof MessagePort)
    return {
      what: "a MessagePort, whose other end is in this process",
      remedy: "return the results, or connect the processes with ipc.listen() and ipc.connect()",
    };
  const remedy = NATIVE_REMEDIES[name];
  const isNative = remedy !== undefined && Object.getPrototypeOf(value) === nativeClass(name)?.prototype;
  return isNative ? { what: `a ${name}, which stays in its process`, remedy } : undefined;
}

const NATIVE_REMEDIES: Record<string, string> = {
  Module: "send the bytes and compile them there",
  Memory: "send a copy of its bytes",
  Blob: "send its bytes: await blob.arrayBuffer()",
  CryptoKey: "export it, and import it there",
  ReadableStream: "send what it gives, or open it inside the function",
  WritableStream: "open it inside the function",
  TransformStream: "make it inside the function",
};

/** By name, because Node loads some of these only when they are looked at. */
function nativeClass(name: string): { prototype: object } | undefined {
  const { WebAssembly, [name]: found } = globalThis as unknown as Record<string, Record<string, { prototype: object }>>;
  return (WebAssembly?.[name] ?? found) as { prototype: object } | undefined;
}

/** Of the class that made it; runs nothing of the user's. */
export function classNameOf(value: object): string {
  const prototype: object | null = Object.getPrototypeOf(value);
  const type: unknown = prototype && Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  const name: unknown = typeof type === "function" && Object.getOwnPropertyDescriptor(type, "name")?.value;
  return typeof name === "string" ? name : "";
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
