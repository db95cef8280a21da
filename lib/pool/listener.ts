// How the owner of a pool learns that something is done. Where the answer may be there within microseconds it looks once in
// each turn of its event loop, which goes on with everything else meanwhile: nobody has to wake it then, and waking a
// thread that sleeps takes longer than most small tasks. Otherwise it sleeps until a thread wakes it. It sleeps at once
// where a thread had to be woken for the task, too: that one may have to run on the same core.

import type { DoneStack } from "../engine/done-stack.ts";
import { host } from "../host.ts";
import { now } from "./messages.ts";

/** How long it looks before it sleeps. */
const LOOK_MS = 0.05;
/** Whatever stands in its place later. */
const nextTurn = setImmediate;

export class Listener {
  readonly #done: DoneStack;
  /** Deals with what is done. True: more may come. */
  readonly #collect: () => boolean;
  #isOn = false;
  /** Since when it waits for the next answer. */
  #sinceMs = 0;
  /** The last answer came in that time. */
  #wasSoon = true;
  /** Counts the beginnings: what an earlier one has left behind does nothing. */
  #begun = 0;

  constructor(done: DoneStack, collect: () => boolean) {
    this.#done = done;
    this.#collect = collect;
  }

  /** Until nothing more may come. `isSeen`: a thread that is awake looks for the task. */
  listen(isSeen = true): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#begun++;
    this.#sinceMs = now();
    if (isSeen && this.#wasSoon) this.#lookAgain();
    else this.#sleep();
  }

  /** The code of this thread was interrupted, perhaps in the midst of this. */
  restart(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.listen();
  }

  #lookAgain(): void {
    const begun = this.#begun;
    const look = (): void => {
      if (begun === this.#begun) this.#look();
    };
    const here = host();
    // Or the interrupt of a cell would end it, for other cells as well.
    if (here?.aside) here.aside(() => nextTurn(look));
    else nextTurn(look);
  }

  #look(): void {
    if (!this.#done.isEmpty) return this.#heard();
    if (now() - this.#sinceMs < LOOK_MS) this.#lookAgain();
    else this.#sleep();
  }

  #sleep(): void {
    const begun = this.#begun;
    const done = this.#done.untilSome();
    if (!done) return this.#heard();
    void done.then(() => begun === this.#begun && this.#heard());
  }

  #heard(): void {
    this.#isOn = false;
    this.#wasSoon = now() - this.#sinceMs < LOOK_MS;
    if (this.#collect()) this.listen();
  }
}
