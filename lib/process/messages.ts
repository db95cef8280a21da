// What a pool and its processes tell each other. What is not a primitive comes as bytes (bytes.ts). A task is named by the
// number of its job, a function by a number of its own.

export type Primitive = string | number | boolean | bigint | null | undefined;

export type ToProcess =
  /** Calls a function that the process knows. */
  | {
      readonly braid: "run";
      readonly id: number;
      readonly fn: number;
      /** The first arguments. */
      readonly args: readonly Primitive[];
      /** The wire of an array of the others. */
      readonly rest?: Uint8Array;
      readonly origin?: number;
    }
  /** Runs the wire of `{ fn, args }`, or of a part of a group. */
  | {
      readonly braid: "task";
      readonly id: number;
      readonly bytes: Uint8Array;
      readonly group: number | undefined;
      readonly origin?: number;
    }
  /** The wire of a function. */
  | { readonly braid: "function"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly braid: "forget"; readonly id: number }
  /** The wire of what the parts of a group share, `{ entry, context }`. */
  | { readonly braid: "open"; readonly group: number; readonly bytes: Uint8Array }
  | { readonly braid: "close"; readonly group: number }
  /** Nobody waits for this task any more; but for others that have begun there, the process would be ended. */
  | { readonly braid: "abandon"; readonly id: number }
  /** A NestedResult. */
  | { readonly braid: "result"; readonly bytes: Uint8Array };

export type FromProcess =
  | { readonly braid: "ready" }
  | { readonly braid: "value"; readonly id: number; readonly value: Primitive }
  | {
      readonly braid: "done";
      readonly id: number;
      readonly ok: boolean;
      /** The wire of the result, or of what was thrown. */
      readonly bytes: Uint8Array;
      /** Which item of the part failed. */
      readonly index: number | undefined;
    }
  | { readonly braid: "abandoned"; readonly id: number }
  /** The wire of an error that nobody catches, and that ends the process. */
  | { readonly braid: "escaped"; readonly bytes: Uint8Array }
  /** A NestedMessage; `task` is the one that called. */
  | { readonly braid: "nested"; readonly task: number | undefined; readonly bytes: Uint8Array };
