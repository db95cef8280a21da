// Messages between threads.

export type { Case } from "./case.ts";
export { Channel, type ChannelOptions, type Tried } from "./channel.ts";
export type { Field, Form } from "./schema.ts";
export { channel, type Receiver, type Sender } from "./sender.ts";
export { after, never, otherwise, select, selectAsync, tick } from "./select.ts";
