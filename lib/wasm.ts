// WebAssembly, as far as the library uses it. TypeScript describes it only together with the globals of a browser.

export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

interface MemoryDescriptor {
  initial: number;
  maximum: number;
  shared: true;
}

export const { Memory } = (
  globalThis as unknown as { WebAssembly: { Memory: new (descriptor: MemoryDescriptor) => WasmMemory } }
).WebAssembly;
