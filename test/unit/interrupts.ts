// A host as the kernel is one, in which a test interrupts cells.

import { registerHost, type Host } from "../../lib/host.ts";

interface Cells {
  /** What follows is work of this cell. */
  work(cell: number): void;
  interrupt(cell: number): void;
  /** How many waits would be told. */
  readonly listeners: number;
}

export async function withCells(test: (cells: Cells) => Promise<void>): Promise<void> {
  const listeners = new Set<(origin: number) => void>();
  let origin = 0;
  const before = (globalThis as { [key: symbol]: Host })[Symbol.for("braid.host")];
  registerHost({
    origin: () => origin,
    onInterrupt: (listener: (origin: number) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    importedFrom: () => undefined,
  } as unknown as Host);
  try {
    await test({
      work: (cell) => void (origin = cell),
      interrupt: (cell) => [...listeners].forEach((tell) => tell(cell)),
      get listeners() {
        return listeners.size;
      },
    });
  } finally {
    registerHost(before as Host);
  }
}
