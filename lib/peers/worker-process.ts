// A program of another language that stays, and answers each line that it reads with a line.

import { killGroup, spawnGroup } from "../child-group.ts";
import { type CancelledError, PeerError, TimeoutError } from "../errors.ts";
import { capture } from "./capture.ts";
import { checkOptions, checkSignal, checkText, checkTimeout } from "./checks.ts";
import { drain, lastLine } from "./run.ts";
import { stoppable } from "./stopped.ts";

export interface PeerAskOptions {
  /** 60 s without it. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface PeerWorker extends AsyncDisposable {
  readonly installed: true;
  readonly version: string;
  readonly pid: number;
  /**
   * Sends a line and gives the next line of the answer; asked several at once, the answers come in the order of the
   * lines. Waits: async, for the program. Throws: TypeError for what is no single line; PeerError when it ends instead
   * of answering; TimeoutError, CancelledError (also by an interrupt), after which the program is stopped: a late
   * answer would be taken for the next one.
   */
  ask(line: string, options?: PeerAskOptions): Promise<string>;
  /** Ends its input, and kills it if that is not enough. Waits: async, at most two seconds. Twice is once. */
  stop(): Promise<void>;
}

interface Ask {
  resolve(line: string): void;
  reject(error: unknown): void;
}

const TIMEOUT_MS = 60_000;
const STOP_MS = 2000;
const LONGEST_LINE = 64 * 2 ** 20;

export async function startWorker(
  { title, version }: { title: string; version: string },
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<PeerWorker> {
  const child = await spawnGroup(command, args, { env: { ...process.env, ...env }, stdio: "pipe" }).catch(
    (cause: Error) => {
      throw new PeerError(`The ${title} program could not be started: ${cause.message}.`, { cause });
    },
  );
  const [stdin, stdout] = [child.stdin!, child.stdout!];
  const stderr = capture(child.stderr!, "stderr");
  const asks: Ask[] = [];
  let pieces: string[] = [];
  let length = 0;
  /** Characters that came so far. */
  let seen = 0;
  /** Why it answers no more. */
  let ended: Error | undefined;

  function end(error: Error): void {
    ended ??= error;
    killGroup(child);
    for (const { reject } of asks.splice(0)) reject(ended);
  }

  function read(text: string): void {
    seen += text.length;
    const parts = text.split("\n");
    const rest = parts.pop()!;
    for (const part of parts) {
      asks.shift()?.resolve(pieces.join("") + part.replace(/\r$/, ""));
      pieces = [];
      length = 0;
    }
    pieces.push(rest);
    length += rest.length;
    if (length > LONGEST_LINE) end(new PeerError(`The ${title} program printed a line of more than 64 MiB.`));
  }

  stdin.on("error", () => {}); // it has ended: its exit tells
  stdout.on("error", () => {});
  stdout.setEncoding("utf8").on("data", read);
  const closed = new Promise<void>((resolve) => {
    const over = async (code: number | null, signal: NodeJS.Signals | null): Promise<void> => {
      await drain(child, () => seen); // its last words may still be in the pipes
      const last = lastLine(stderr.text());
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      end(new PeerError(`The ${title} program ${how}${last === undefined ? "." : `: ${last}`}`));
      resolve();
    };
    child.once("exit", (code, signal) => void over(code, signal));
  });
  // One that waits for a line does not keep this program alive; while it is asked, a timer does.
  child.unref();
  for (const stream of child.stdio) (stream as { unref?(): void } | null)?.unref?.();

  async function stop(): Promise<void> {
    child.ref();
    stdin.end();
    const timer = setTimeout(() => killGroup(child), STOP_MS);
    await closed;
    clearTimeout(timer);
  }

  return {
    installed: true,
    version,
    pid: child.pid!,
    async ask(line, options = {}) {
      checkText("line", line);
      if (line.includes("\n")) throw new TypeError("Expected line to be a single line, got a text with a line break.");
      checkOptions("ask()", options, ["timeoutMs", "signal"]);
      const { timeoutMs = TIMEOUT_MS, signal } = options;
      checkTimeout(timeoutMs);
      if (signal !== undefined) checkSignal(signal);
      return stoppable(`a question to a ${title} program`, signal, async (stopped) => {
        if (ended) throw ended;
        const { promise, resolve, reject } = Promise.withResolvers<string>();
        const ask = { resolve, reject };
        const fail = (error: Error): void => {
          if (!asks.includes(ask)) return;
          asks.splice(asks.indexOf(ask), 1);
          reject(error);
          end(new PeerError(`The ${title} program was stopped, for another question to it failed: ${error.message}`));
        };
        const late = `The ${title} program did not answer within ${timeoutMs} ms and was stopped.`;
        const timer = setTimeout(() => fail(new TimeoutError(timeoutMs, late)), timeoutMs);
        stopped.addEventListener("abort", () => fail(stopped.reason as CancelledError), { once: true });
        asks.push(ask);
        stdin.write(`${line}\n`);
        return promise.finally(() => clearTimeout(timer));
      });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
