// Messages between threads.

export type { Case } from "./case.ts";
export { Channel, type ChannelOptions, type Tried } from "./channel.ts";
export type { Field, Form } from "./schema.ts";
export { after, never, otherwise, select, selectAsync, tick } from "./select.ts";
