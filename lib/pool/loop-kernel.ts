// What the parts of parallel loops have in common: a function of the library with its context, shipped to each thread once
// however often it is called.

import { NotSendableError } from "../errors.ts";
import { decode, encode, prepare, realm, snapshot, type Wire } from "../ship/index.ts";
import { copied, type Definitions, type Told } from "./definitions.ts";
import type { KernelData, KernelEntry, RunPart } from "./helper.ts";

export class LoopKernel {
  /** For messages. */
  readonly label: string;
  readonly #data: KernelData;
  readonly #wire: Wire;
  #local: RunPart | undefined;
  #users = 0;
  #isReleased = false;
  #told: { readonly to: Definitions; readonly as: Told } | undefined;

  /**
   * Takes the context as it is now.
   * @param entry named by `inLibrary`; called once a thread, gives what runs a part, synchronously
   */
  constructor(label: string, entry: KernelEntry<unknown>, context: unknown) {
    this.label = label;
    this.#data = { entry, context, owner: realm };
    const wire = encode(this.#data, { path: "" });
    if (wire.nodes.some((node) => node.t === "moved"))
      throw new NotSendableError(
        "move()",
        `The function of ${label} captures a value marked with move(), but several threads get it: share it with shared(), or send a copy.`,
      );
    this.#wire = snapshot(wire);
  }

  /**
   * For parts that this thread runs: made of a copy, as on any other thread, so that it makes no difference who runs a
   * part. Where that can't be made at once, because a module would have to be imported, of the original.
   */
  local(): RunPart {
    if (this.#local) return this.#local;
    const loading = prepare(this.#wire);
    loading?.catch(() => {});
    const { entry, context } = loading ? this.#data : (decode(copied(this.#wire)) as KernelData);
    return (this.#local = entry(context));
  }

  /** Makes it known to all threads; gives its number. */
  tell(to: Definitions): number {
    if (this.#told?.to !== to) this.#told = { to, as: to.tell(this.#wire) };
    else to.refresh(this.#told.as);
    return this.#told.as.number;
  }

  /** A call has begun, or ended, that needs it on other threads. */
  use(change: 1 | -1): void {
    this.#users += change;
    if (this.#isReleased && this.#users === 0) this.#told?.to.forget(this.#told.as);
  }

  /** It is not called again. */
  release(): void {
    this.#isReleased = true;
    this.use(1);
    this.use(-1);
  }
}
