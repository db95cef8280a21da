// A key-value bucket of NATS JetStream, as much of it as a store needs. The protocol:
// https://docs.nats.io/reference/reference-protocols/nats-protocol; buckets: NATS architecture decision 8.
//
// A bucket is a stream that keeps the last message of each subject, and a key is a subject. NATS limits the size of a
// message, so a large value is cut: the message at its key then has no text but a header that tells where the pieces
// are, at subjects below it. Who replaces that message removes its pieces; the server sees to it that this is one only,
// by the number of the message that is to be replaced.

import { randomBytes } from "node:crypto";
import type { NetConnectOpts } from "node:net";
import { StoreError } from "../../errors.ts";
import type { Client } from "./client.ts";
import { connection, type Protocol } from "./connection.ts";
import { lineReader } from "./line-reader.ts";

/** Sent in one message at most. The server is started with twice as much. */
export const PIECE = 4 * 2 ** 20;
/** Larger values are cut: the message that stands at a key is read often. */
const SMALL = 2 ** 16;

const BUCKET = "KV_braid";
const HEAD = "NATS/1.0\r\n";
const PIECES = "Braid-Pieces";
const EXPECTED = "Nats-Expected-Last-Subject-Sequence";
/** The server's number for: another message than the expected one was there. */
const REPLACED = 10_071;

/** The message that stands at a key. */
interface Entry {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly seq: number;
  readonly pieces: { readonly id: string; readonly count: number; readonly length: number } | undefined;
}

interface Message {
  /** Empty where there is none. */
  head: string;
  bytes: Uint8Array<ArrayBuffer>;
}

interface Question {
  resolve(message: Message): void;
  reject(error: StoreError): void;
}

export function natsClient(where: string, address: NetConnectOpts, token: string): Client {
  const inbox = `_INBOX.${randomBytes(12).toString("hex")}`;
  const asked = new Map<string, Question>();
  let count = 0;
  const link = connection(where, address, (): Protocol => {
    let coming: { id: string; headLength: number } | undefined;
    const read = lineReader(
      (line) => {
        const [verb, ...words] = line.split(" ");
        if (verb === "MSG" || verb === "HMSG") {
          coming = { id: words[0]!.slice(inbox.length + 1), headLength: verb === "MSG" ? 0 : Number(words.at(-2)) };
          return Number(words.at(-1));
        }
        if (verb === "PING") link.send("PONG\r\n");
        else if (verb === "-ERR") throw new Error(line);
        return undefined;
      },
      (all) => {
        const { id, headLength } = coming!;
        const question = asked.get(id);
        if (!question) return;
        asked.delete(id);
        link.answered();
        question.resolve({
          head: Buffer.from(all.subarray(0, headLength)).toString(),
          // Of its own memory also behind a head.
          bytes: headLength === 0 ? all : all.slice(headLength),
        });
      },
    );
    return {
      hello(send) {
        const options = { verbose: false, pedantic: false, headers: true, no_responders: true, auth_token: token };
        send(`CONNECT ${JSON.stringify({ ...options, lang: "braid", version: "1" })}\r\nSUB ${inbox}.* 1\r\n`);
      },
      read,
      lost(error) {
        const all = [...asked.values()];
        asked.clear();
        for (const one of all) one.reject(error);
      },
    };
  });

  function request(subject: string, bytes: string | Uint8Array, header?: string): Promise<Message> {
    return new Promise((resolve, reject) => {
      const id = String(++count);
      const length = Buffer.byteLength(bytes);
      const head = header === undefined ? "" : `${HEAD}${header}\r\n\r\n`;
      const sizes = header === undefined ? `${length}` : `${head.length} ${head.length + length}`;
      link.ask(`${header === undefined ? "PUB" : "HPUB"} ${subject} ${inbox}.${id} ${sizes}\r\n${head}`, bytes, "\r\n");
      asked.set(id, { resolve, reject });
    });
  }

  /** Asks JetStream; its answers are JSON. Undefined when another message was there than was expected. */
  async function api<T>(subject: string, body: string | Uint8Array, header?: string): Promise<T | undefined> {
    const { head, bytes } = await request(subject, body, header);
    const status = statusOf(head);
    if (status !== undefined) throw new StoreError(`The store at ${where} refused: ${status}.`);
    const answer = JSON.parse(Buffer.from(bytes).toString()) as T & {
      error?: { err_code: number; description: string };
    };
    if (answer.error?.err_code === REPLACED) return undefined;
    if (answer.error) throw new StoreError(`The store at ${where} refused: ${answer.error.description}.`);
    return answer;
  }

  /** Makes the bucket, once a connection: it is no error if it is there. */
  let bucket: Promise<unknown> | undefined;
  function ready(): Promise<unknown> {
    const config = {
      name: BUCKET,
      subjects: [subjectOf(">")],
      max_msgs_per_subject: 1,
      storage: "memory",
      allow_direct: true,
      discard: "new",
      num_replicas: 1,
    };
    bucket ??= api(`$JS.API.STREAM.CREATE.${BUCKET}`, JSON.stringify(config));
    bucket.catch(() => (bucket = undefined));
    return bucket;
  }

  async function read(subject: string): Promise<Entry | undefined> {
    const { head, bytes } = await request(`$JS.API.DIRECT.GET.${BUCKET}`, JSON.stringify({ last_by_subj: subject }));
    const status = statusOf(head);
    if (status?.startsWith("404")) return undefined;
    if (status !== undefined) throw new StoreError(`The store at ${where} refused: ${status}.`);
    const [, id, count, length] = new RegExp(`^${PIECES}: (\\w+) (\\d+) (\\d+)`, "m").exec(head) ?? [];
    const pieces = id === undefined ? undefined : { id, count: Number(count), length: Number(length) };
    return { bytes, seq: Number(/^Nats-Sequence: (\d+)/m.exec(head)?.[1]), pieces };
  }

  /** Of one subject: all messages before `seq`. */
  async function purge(filter: string, seq?: number): Promise<number> {
    const answer = await api<{ purged: number }>(`$JS.API.STREAM.PURGE.${BUCKET}`, JSON.stringify({ filter, seq }));
    return answer!.purged;
  }

  async function purgePieces(subject: string, entry: Entry | undefined): Promise<void> {
    if (entry?.pieces) await purge(`${subject}.${entry.pieces.id}.>`);
  }

  /** All pieces together, or undefined if one is missing. */
  async function join(
    subject: string,
    { id, count, length }: NonNullable<Entry["pieces"]>,
  ): Promise<Bytes | undefined> {
    const all = new Uint8Array(length);
    for (let i = 0, at = 0; i < count; i++) {
      const piece = await read(`${subject}.${id}.${i}`);
      if (!piece) return undefined;
      all.set(piece.bytes, at);
      at += piece.bytes.length;
    }
    return all;
  }

  return {
    async put(key, value) {
      await ready();
      const subject = subjectOf(nameOf(key));
      const isSmall = value.length <= SMALL;
      const id = randomBytes(8).toString("hex");
      const count = isSmall ? 0 : Math.ceil(value.length / PIECE);
      for (let i = 0; i < count; i++) await api(`${subject}.${id}.${i}`, value.subarray(i * PIECE, (i + 1) * PIECE));
      const pieces = isSmall ? "" : `\r\n${PIECES}: ${id} ${count} ${value.length}`;
      for (;;) {
        const old = await read(subject);
        const header = `${EXPECTED}: ${old?.seq ?? 0}${pieces}`;
        if (await api(subject, isSmall ? value : "", header)) return purgePieces(subject, old);
      }
    },
    async get(key) {
      await ready();
      const subject = subjectOf(nameOf(key));
      for (let before: number | undefined; ;) {
        const entry = await read(subject);
        if (!entry?.pieces) return entry?.bytes;
        const all = await join(subject, entry.pieces);
        if (all) return all;
        // It was replaced meanwhile, so there is another entry now.
        if (entry.seq === before)
          throw new StoreError(`The store at ${where} has lost a part of the value of ${JSON.stringify(key)}.`);
        before = entry.seq;
      }
    },
    async delete(key) {
      await ready();
      const subject = subjectOf(nameOf(key));
      for (;;) {
        const entry = await read(subject);
        if (!entry) return false;
        if ((await purge(subject, entry.seq + 1)) === 0) continue; // somebody was quicker
        await purgePieces(subject, entry);
        return true;
      }
    },
    close: () => link.close(),
  };
}

type Bytes = Uint8Array<ArrayBuffer>;

/** "404 Message Not Found", where an answer is none. */
function statusOf(head: string): string | undefined {
  return /^NATS\/1\.0 (\d+.*)/.exec(head)?.[1];
}

const subjectOf = (name: string): string => `$KV.braid.${name}`;

/** Subjects take few characters. */
const nameOf = (key: string): string => Buffer.from(key).toString("base64url");
