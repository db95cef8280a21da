// The protocol of Redis (RESP, version 2), the client's side: https://redis.io/docs/latest/develop/reference/protocol-spec/
// Answers come in the order of the questions.

import type { NetConnectOpts } from "node:net";
import { StoreError } from "../../errors.ts";
import type { Client } from "./client.ts";
import { connection, type Protocol } from "./connection.ts";
import { lineReader } from "./line-reader.ts";

type Answer = string | number | Uint8Array<ArrayBuffer> | undefined;

interface Question {
  resolve(answer: Answer): void;
  reject(error: StoreError): void;
}

export function respClient(where: string, address: NetConnectOpts): Client {
  let asked: Question[] = [];
  const link = connection(where, address, (): Protocol => {
    const mine: Question[] = (asked = []);
    const next = (): Question => {
      const question = mine.shift();
      if (!question) throw new Error("an answer that nobody asked for");
      link.answered();
      return question;
    };
    const read = lineReader(
      (line) => {
        const text = line.slice(1);
        if (line[0] === "$" && text !== "-1") return Number(text);
        if (line[0] === "-") next().reject(new StoreError(`The store at ${where} refused: ${text}.`));
        else if (line[0] === "+") next().resolve(text);
        else if (line[0] === ":") next().resolve(Number(text));
        else if (line[0] === "$") next().resolve(undefined);
        else throw new Error(JSON.stringify(line.slice(0, 40)));
        return undefined;
      },
      (bytes) => next().resolve(bytes),
    );
    return { read, lost: (error) => mine.splice(0).forEach((one) => one.reject(error)) };
  });

  function command(...parts: readonly (string | Uint8Array)[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      link.ask(...request(parts));
      asked.push({ resolve, reject });
    });
  }

  return {
    async put(key, value) {
      await command("SET", key, value);
    },
    async get(key) {
      return (await command("GET", key)) as Uint8Array<ArrayBuffer> | undefined;
    },
    async delete(key) {
      return (await command("DEL", key)) === 1;
    },
    close: () => link.close(),
  };
}

/** Small parts as one text, large ones as they are. */
function request(parts: readonly (string | Uint8Array)[]): (string | Uint8Array)[] {
  const sent: (string | Uint8Array)[] = [`*${parts.length}\r\n`];
  for (const part of parts) sent.push(`$${Buffer.byteLength(part)}\r\n`, part, "\r\n");
  return sent;
}
