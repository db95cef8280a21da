// Jupyter's wire format: ZMQ frames to messages and back, signed with the connection file's key.

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

export const PROTOCOL_VERSION = "5.4";
const DELIMITER = "<IDS|MSG>";

export interface Header {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  date: string;
  version: string;
}

export interface Message {
  /** Routing identities of the front end that sent it. */
  identities: Buffer[];
  header: Header;
  parentHeader: Partial<Header>;
  metadata: Record<string, unknown>;
  content: Record<string, unknown>;
  buffers: Buffer[];
}

export interface Outgoing {
  type: string;
  /** A buffer is JSON already; it is read when the message is encoded, which is at once. */
  content: object | Buffer;
  parent?: Header | undefined;
  metadata?: Record<string, unknown>;
  /** Where it goes on a ROUTER socket; the topic on iopub. */
  identities?: (Buffer | string)[];
  buffers?: Buffer[];
}

export class Wire {
  readonly #key: string;
  readonly #algorithm: string;
  readonly session = randomUUID();

  /** An empty key means that nothing is signed. */
  constructor(key: string, scheme = "hmac-sha256") {
    this.#key = key;
    this.#algorithm = scheme.replace(/^hmac-/, "");
  }

  encode({ type, content, parent, metadata = {}, identities = [], buffers = [] }: Outgoing): (Buffer | string)[] {
    const header: Header = {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.session,
      username: "kernel",
      date: new Date().toISOString(),
      version: PROTOCOL_VERSION,
    };
    const parts = [header, parent ?? {}, metadata, content].map((part) =>
      Buffer.isBuffer(part) ? part : Buffer.from(JSON.stringify(part)),
    );
    return [...identities, DELIMITER, this.#sign(parts), ...parts, ...buffers];
  }

  /** A frame list that is malformed or not signed with our key gives undefined. */
  decode(frames: Buffer[]): Message | undefined {
    const at = frames.findIndex((frame) => frame.equals(Buffer.from(DELIMITER)));
    const parts = frames.slice(at + 2, at + 6);
    if (at < 0 || parts.length < 4 || !this.#verify(frames[at + 1]!, parts)) return undefined;
    try {
      const [header, parentHeader, metadata, content] = parts.map((part) => JSON.parse(part.toString()) as never);
      const message: Message = {
        identities: frames.slice(0, at),
        header: header!,
        parentHeader: parentHeader!,
        metadata: metadata!,
        content: content!,
        buffers: frames.slice(at + 6),
      };
      return typeof message.header?.msg_type === "string" ? message : undefined;
    } catch {
      return undefined;
    }
  }

  #sign(parts: Buffer[]): string {
    if (this.#key === "") return "";
    const hmac = createHmac(this.#algorithm, this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  #verify(signature: Buffer, parts: Buffer[]): boolean {
    if (this.#key === "") return true;
    const expected = Buffer.from(this.#sign(parts));
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }
}
