// What a caller sees of lib/bench: measuring functions, and the machine they were measured on.

export { bench } from "./bench.ts";
export type { BenchOptions } from "./bench.ts";
export { compare } from "./compare.ts";
export type { CompareOptions, CompareRow, Comparison } from "./compare.ts";
export { lagMeter } from "./lag-meter.ts";
export type { LagMeter, LagReport, LagSample } from "./lag-meter.ts";
export { machine } from "./machine.ts";
export type { Machine } from "./machine.ts";
export { memoryMeter, threadMemory } from "./memory-meter.ts";
export type { GcKind, GcPause, MemoryMeter, MemoryReport, MemorySample, ThreadMemory } from "./memory-meter.ts";
export type { Sample } from "./sample.ts";
export { speedup } from "./speedup.ts";
export type { SpeedupOptions, SpeedupResult, SpeedupSample } from "./speedup.ts";
