// A thread of a pool that has nothing else to do helps in parallel regions (lib/engine/regions.ts): takes parts, runs them,
// and tells what came of them.

import { BroadcastChannel, threadId } from "node:worker_threads";
import type { Board } from "../engine/board.ts";
import { Entry, Ledger } from "../engine/ledger.ts";
import { encode, whyNotCloned, type Wire } from "../ship/index.ts";
import { NotSendableError } from "../errors.ts";
import { Broken, type Definitions } from "./definitions.ts";
import { encodeError, unsendableResult } from "./failures.ts";

/** Runs one part of a loop. */
export type RunPart = (part: number, args: readonly number[], operands: readonly unknown[]) => unknown;

/** Called once a thread, with what all calls share. */
export type KernelEntry<C> = (context: C) => RunPart;

/** What is told of a kernel. */
export interface KernelData {
  readonly entry: KernelEntry<unknown>;
  readonly context: unknown;
  /** The realm that made it. */
  readonly owner: string;
}

/** What a helper tells by message when it leaves. */
export interface FromHelper {
  /** The call's. */
  readonly number: number;
  readonly thread: number;
  readonly parts: { readonly part: number; readonly ok: boolean; readonly wire: Wire }[];
}

/** The channel on which a publisher hears from its helpers. */
export const inboxName = (pool: string, publisher: number): string => `${pool}/to/${publisher}`;

export class Helper {
  readonly #board: Board;
  readonly #seat: number;
  readonly #pool: string;
  readonly #definitions: Definitions;
  readonly #runAs: (origin: number, f: () => void) => void;
  readonly #made = new WeakMap<KernelData, RunPart>();

  /** @param runAs runs it as a task of that origin */
  constructor(
    board: Board,
    seat: number,
    pool: string,
    definitions: Definitions,
    runAs: (origin: number, f: () => void) => void,
  ) {
    this.#board = board;
    this.#seat = seat;
    this.#pool = pool;
    this.#definitions = definitions;
    this.#runAs = runAs;
  }

  /** Is there a region where it could help? */
  get isWanted(): boolean {
    return this.#find() >= 0;
  }

  /** Helps in one region until that has no parts left. False: there is none where it could. */
  help(): boolean {
    const { regions } = this.#board;
    const region = this.#find();
    if (region < 0 || !regions.enter(region, this.#seat)) return false;
    // By now it may be another call that stands there.
    if (this.#knows(region)) this.#runAs(regions.field(region, "origin"), () => this.#work(region));
    else regions.returnTicket(region);
    regions.leave(region, this.#seat);
    return true;
  }

  #find(): number {
    const { regions, seats } = this.#board;
    if (!regions.isAnyOpen || seats.isStopped(this.#seat)) return -1;
    let region = regions.find(0);
    while (region >= 0 && !this.#knows(region)) region = regions.find(region + 1);
    return region;
  }

  #knows(region: number): boolean {
    const { regions } = this.#board;
    const isKnown = (number: number): boolean => this.#definitions.find(number) !== undefined;
    return (
      isKnown(regions.field(region, "kernel")) &&
      this.#definitions.find(regions.field(region, "ledger")) instanceof SharedArrayBuffer &&
      regions.operands(region).every(isKnown)
    );
  }

  #work(region: number): void {
    const { regions, seats } = this.#board;
    const find = (number: number): unknown => this.#definitions.find(number);
    const kernel = find(regions.field(region, "kernel")) as KernelData | Broken;
    const memory = find(regions.field(region, "ledger")) as SharedArrayBuffer;
    const operands = regions.operands(region).map(find);
    const args = regions.args(region);
    const ledger = ledgerOf(memory);
    const told: FromHelper["parts"] = [];
    const to = kernel instanceof Broken ? {} : { to: kernel.owner };
    for (;;) {
      if (seats.isStopped(this.#seat)) {
        regions.returnTicket(region);
        this.#board.wakeHelpers(1);
        break;
      }
      const part = regions.take(region);
      if (part < 0) {
        regions.close(region);
        break;
      }
      try {
        const result = this.#runner(kernel, operands)(part, args, operands);
        if (ledger.write(part, result)) continue;
        told.push({ part, ok: true, wire: encode(result, { ...to, path: "result" }) });
        ledger.mark(part, Entry.message);
      } catch (error) {
        regions.stop(region);
        told.push({ part, ok: false, wire: encodeError(error, to) });
        ledger.mark(part, Entry.failed);
        break;
      }
    }
    if (told.length > 0) this.#tell(region, told, to);
  }

  #runner(kernel: KernelData | Broken, operands: readonly unknown[]): RunPart {
    for (const one of [kernel, ...operands]) if (one instanceof Broken) throw one.error;
    const data = kernel as KernelData;
    const known = this.#made.get(data) ?? data.entry(data.context);
    this.#made.set(data, known);
    return known;
  }

  #tell(region: number, parts: FromHelper["parts"], to: { to?: string }): void {
    const { regions } = this.#board;
    const message = { number: regions.field(region, "number"), thread: threadId, parts };
    const channel = new BroadcastChannel(inboxName(this.#pool, regions.field(region, "publisher")));
    try {
      channel.postMessage(message satisfies FromHelper);
    } catch (cause) {
      // Which of them it is, structured clone doesn't say.
      const instead = parts.map(({ part, ok }) => {
        const text = `What the part threw can't be sent: ${whyNotCloned(cause as Error)}.`;
        const why = ok ? unsendableResult(cause) : new NotSendableError("error", text, { cause });
        return { part, ok: false, wire: encodeError(why, to) };
      });
      channel.postMessage({ ...message, parts: instead } satisfies FromHelper);
    } finally {
      channel.close();
    }
  }
}

const ledgers = new WeakMap<SharedArrayBuffer, Ledger>();

function ledgerOf(memory: SharedArrayBuffer): Ledger {
  const known = ledgers.get(memory) ?? new Ledger(memory);
  ledgers.set(memory, known);
  return known;
}
