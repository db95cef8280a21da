// Objects whose state is in shared memory: however often one is sent to a thread, it is one object there.

import { threadId } from "node:worker_threads";

let count = 0;

/** The objects of one class that this thread has. They are not kept alive. */
export class SharedObjects<T extends object> {
  readonly #byId = new Map<string, WeakRef<T>>();
  readonly #gone = new FinalizationRegistry<string>((id) => {
    if (!this.#byId.get(id)?.deref()) this.#byId.delete(id);
  });

  /** Gives its id, which goes along when the object is shipped: shared memory does not leave the process. */
  add(object: T, id = `${threadId}/${++count}`): string {
    this.#byId.set(id, new WeakRef(object));
    this.#gone.register(object, id);
    return id;
  }

  find(id: string): T | undefined {
    return this.#byId.get(id)?.deref();
  }
}
