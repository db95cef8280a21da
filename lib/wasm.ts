// WebAssembly, as far as the library uses it. TypeScript describes it only together with the globals of a browser.

export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Compiled code. It can be posted to other threads. */
export type WasmModule = object & { readonly [Symbol.toStringTag]: "WebAssembly.Module" };

interface MemoryDescriptor {
  initial: number;
  maximum: number;
  shared: true;
}

interface Wasm {
  Memory: new (descriptor: MemoryDescriptor) => WasmMemory;
  Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  Instance: new (module: WasmModule, imports: object) => { readonly exports: object };
}

export const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;
