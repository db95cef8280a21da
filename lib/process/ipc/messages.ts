// Process messages: the channel that Node opens to a child that it forks. Structured, asynchronous, one queue each way.

import type { ChildProcess } from "node:child_process";
import { IpcError } from "../../errors.ts";
import { Inbox } from "./inbox.ts";
import { iterate, whyNotSent, type Link } from "./link.ts";

type End = Pick<ChildProcess, "connected" | "disconnect" | "channel" | "on" | "off"> & {
  send?(message: unknown, done: (error: Error | null) => void): boolean;
};

/**
 * The messages between this program and one that it has forked, from either side: `ipc.messages(child)` and
 * `ipc.messages(process)`. What crosses is up to the child's `serialization`: "json" makes `{}` of a SharedArrayBuffer and
 * leaves out functions without a word; "advanced" refuses both, and takes copies of most other values.
 * Throws IpcError where there is no such channel.
 */
export function messages<T = unknown>(end: ChildProcess | NodeJS.Process): Link<T> {
  const target = end as unknown as End;
  if (!target.connected || !target.send)
    throw new IpcError("There is no channel to a parent or child: start it with fork() of node:child_process.");
  const inbox = new Inbox<T>();
  let waits = 0;
  const wait = async <R>(promise: Promise<R>): Promise<R> => {
    if (waits++ === 0) target.channel?.ref();
    try {
      return await promise;
    } finally {
      if (--waits === 0) target.channel?.unref();
    }
  };
  const heard = (message: T): void => inbox.push(message);
  const over = (): void => {
    target.off("message", heard);
    inbox.end();
  };
  target.on("message", heard);
  target.on("disconnect", over);
  target.channel?.unref();

  const send = async (message: T): Promise<void> => {
    if (!target.connected) throw new IpcError("Nothing can be sent: the channel is closed.");
    await wait(
      new Promise<void>((resolve, reject) => {
        target.send!(message, (cause) => {
          if (cause) reject(new IpcError(`The message could not be sent: ${whyNotSent(cause)}.`, { cause }));
          else resolve();
        });
      }),
    );
  };
  const receive = (): Promise<T | undefined> => wait(inbox.take());
  const close = async (): Promise<void> => {
    if (target.connected) target.disconnect();
    over();
  };
  return {
    send,
    receive,
    end: close,
    close,
    [Symbol.asyncDispose]: close,
    [Symbol.asyncIterator]: () => iterate(receive),
  };
}
