// Values as bytes, by V8's own serializer. The one that Node's channels use treats typed arrays by itself: two over one
// buffer would arrive with a buffer each, and each with the rest of the message behind it.

import v8 from "node:v8";

/** Throws what can't be written. */
export function toBytes(value: unknown): Uint8Array {
  const serializer = new v8.Serializer();
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

export function fromBytes(bytes: Uint8Array): unknown {
  const deserializer = new v8.Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}
