// Shipping: a function or any value, with all that it captures, to another thread.

export { decode, prepare, prepareNow } from "./decode.ts";
export { encode, type EncodeOptions } from "./encode.ts";
export { isOfThread, readClosure, sentence, type ReadClosure } from "./encode-function.ts";
export { closureMaker, compile, type Instance } from "./factory.ts";
export { isStillStandard } from "./globals.ts";
export { realm } from "./identity.ts";
export { constantWire, literalValues, namesAll, smallClosure, type SmallClosure } from "./known-function.ts";
export { inLibrary, ship, unship } from "../library.ts";
export { move } from "./move.ts";
export { parse } from "./parse.ts";
export type { Tree } from "./scope-walker.ts";
export type { NotSendable, Send, SendAll, SendResult } from "./send.ts";
export { trimStack, whyNotCloned } from "./stack.ts";
export type { Between } from "./refusals.ts";
export { isPrimitive } from "./plain.ts";
export { hasToBeSent, snapshot, transferList, unsent, type FunctionNode, type Wire } from "./wire.ts";
