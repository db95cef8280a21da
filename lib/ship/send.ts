// Send<T>: T where a value of it can cross threads, otherwise a type whose name is the reason. Captures of a function
// are invisible to types; they are checked when it is shipped.

import type { ship } from "../library.ts";

declare const why: unique symbol;

/** Nothing is of this type. Its argument says why a value can't be sent to another thread. */
export interface NotSendable<Reason extends string> {
  readonly [why]: Reason;
}

type AnyFunction = (...args: never[]) => unknown;
type Primitive = string | number | boolean | bigint | null | undefined | void;
type BuiltIn =
  | Primitive
  | SharedArrayBuffer
  | ArrayBuffer
  | ArrayBufferView
  | Date
  | RegExp
  | Error
  | URL
  | import("node:worker_threads").MessagePort;

/** A class with private members has more than its public ones say. */
type HasPrivate<T> = { [K in keyof T]: T[K] } extends T ? false : true;

export type Send<T> = 0 extends 1 & T
  ? T // any: unchecked
  : unknown extends T
    ? T // unknown: checked when it is shipped
    : T extends BuiltIn
      ? T
      : T extends symbol
        ? NotSendable<"a unique symbol has its identity only in its own thread; use Symbol.for()">
        : T extends PromiseLike<unknown>
          ? NotSendable<"a Promise settles in its own thread; await it and send the result">
          : T extends { pipe: AnyFunction; on: AnyFunction }
            ? NotSendable<"a stream or socket belongs to the thread that opened it; open it inside the function">
            : T extends AnyFunction | { [ship](): unknown } | (abstract new (...args: never[]) => unknown)
              ? T
              : T extends readonly (infer E)[]
                ? readonly Send<E>[] // not a mapped type, which would be worked out at once and for ever where T is recursive
                : T extends ReadonlyMap<infer K, infer V>
                  ? T extends ReadonlyMap<Send<K>, Send<V>>
                    ? T
                    : ReadonlyMap<Send<K>, Send<V>>
                  : T extends ReadonlySet<infer V>
                    ? T extends ReadonlySet<Send<V>>
                      ? T
                      : ReadonlySet<Send<V>>
                    : T extends WeakMap<WeakKey, unknown> | WeakSet<WeakKey> | WeakRef<WeakKey>
                      ? NotSendable<"a WeakMap, WeakSet or WeakRef holds identities of its own thread's heap; use a Map or Set">
                      : HasPrivate<T> extends true
                        ? NotSendable<'an object with private state can\'t be read to be sent; give its class a [Symbol.for("braid.ship")]() method or send plain data'>
                        : { [K in keyof T]: Send<T[K]> };

/** Every argument of a list can cross. */
export type SendAll<A extends unknown[]> = { [K in keyof A]: Send<A[K]> };

/** No function is of this type. Its argument says what of the result can't be sent to another thread, and why. */
export interface ResultNotSendable<Result> {
  readonly [why]: Result;
}

/** Of a function whose result goes to another thread: nothing more, or, where the result can't cross, why not. */
export type SendResult<R> = [R] extends [Send<R>] ? unknown : ResultNotSendable<Send<R>>;
