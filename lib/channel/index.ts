// Messages between threads.

export { Channel, type ChannelOptions, type Tried } from "./channel.ts";
export type { Field, Form } from "./schema.ts";
