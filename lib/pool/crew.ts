// A thread's side of the parallel loops that it publishes: it opens a region of the board, and joins what becomes of it.

import { BroadcastChannel, receiveMessageOnPort } from "node:worker_threads";
import { load, pause, waitAsync, waitOnDuty } from "../atomics.ts";
import type { Board } from "../engine/board.ts";
import { Entry, Ledger } from "../engine/ledger.ts";
import { CancelledError, ThreadCrashedError } from "../errors.ts";
import { host, onOwnInterrupt } from "../host.ts";
import { decode, encode, prepare, type Wire } from "../ship/index.ts";
import { Definitions, type Told } from "./definitions.ts";
import { SharedOperands } from "./shared-operands.ts";
import { inboxName, type FromHelper } from "./helper.ts";
import type { LoopKernel } from "./loop-kernel.ts";
import { PartFailure, runHere, runPart, type LoopCall } from "./loop-call.ts";
import { openTask, ownerLink } from "./remote-engine.ts";

/** In the place of a seat: the pool's owner. */
export const OWNER = -1;

/** So long who waits for the last helpers looks before it sleeps: most are out by then. */
const SPIN_MS = 0.05;
const LOOKS = 32;
/** A blocked owner looks so often whether all helpers are still there. */
const LOOK_MS = 50;
/** So often who found no region asks again. */
const ASK_AGAIN_MS = 5;
const LONG_MS = 2 ** 31 - 1;
/** Ledgers for so many parts serve again. */
const FEW_PARTS = 1024;

interface FromPart {
  readonly ok: boolean;
  readonly wire: Wire;
  readonly thread: number;
}

/** The threads, where this one owns them. */
interface CrewTeam {
  want(threads: number): void;
  lookForDead(): void;
  lastLoss: string | undefined;
}

interface Open {
  readonly region: number;
  readonly number: number;
  readonly ledger: Ledger;
  readonly told: Told;
  readonly operands: readonly object[];
}

/** The names of the channels of a pool. */
export const crewName = ({ owner, id }: { owner: string; id: number }): string => `braid/${owner}/${id}`;

let own: Crew | undefined;

/** In a thread of a pool: the crew of that pool. */
export function ownCrew(): Crew | undefined {
  return own;
}

export function setCrew(crew: Crew): void {
  own = crew;
}

export class Crew {
  readonly definitions: Definitions;
  readonly #board: Board;
  readonly #seat: number;
  readonly #team: CrewTeam | undefined;
  readonly #name: string;
  #inbox: BroadcastChannel | undefined;
  /** By number of the call. */
  readonly #heard = new Map<number, FromHelper[]>();
  readonly #ledgers: { readonly ledger: Ledger; readonly told: Told }[] = [];
  readonly #operands: SharedOperands;
  /** Calls that block this thread, with their origins: an interrupt ends its code without a word. */
  readonly #blocking = new Map<number, number>();
  readonly #waiting: (() => void)[] = [];
  readonly #running = new Set<LoopCall>();
  #alive: NodeJS.Timeout | undefined;

  /** @param team where this thread is the owner */
  constructor(board: Board, seat: number, name: string, definitions: Definitions | undefined, team?: CrewTeam) {
    this.#board = board;
    this.#seat = seat;
    this.#name = name;
    this.#team = team;
    this.definitions = definitions ?? new Definitions(name, board.regions);
    this.#operands = new SharedOperands(this.definitions);
  }

  /** Threads have come. */
  refresh(): void {
    this.definitions.refreshAll();
    for (const { operands = [] } of this.#running) for (const operand of operands) this.#operands.number(operand);
  }

  close(): void {
    this.definitions.close();
    this.#inbox?.close();
  }

  /** What blocked for this origin is no longer there. */
  interrupted(origin: number): void {
    for (const [region, from] of this.#blocking) {
      if (from !== origin) continue;
      this.#blocking.delete(region);
      this.#board.regions.abandon(region);
    }
  }

  // ---- blocking

  /** Runs all parts, this thread among others, and gives their results in order. Throws PartFailure of the lowest part. */
  runSync(kernel: LoopKernel, call: LoopCall): unknown[] {
    const { parts, args = [], operands = [] } = call;
    const { regions } = this.#board;
    const run = kernel.local();
    const results = new Array<unknown>(parts);
    const limit = Math.min(call.threads, parts) - 1;
    const region = limit > 0 ? regions.claim(this.#seat) : -1;
    if (region < 0) return runHere(run, call);
    const origin = host()?.origin() ?? -1;
    this.#blocking.set(region, origin);
    let isClean = false;
    let failure: PartFailure | undefined;
    const done = new Uint8Array(parts);
    try {
      const open = this.#open(region, kernel, call, limit, origin);
      regions.open(region);
      this.#team?.want(limit);
      this.#board.wakeHelpers(limit);
      try {
        for (let part = regions.take(region); part >= 0; part = regions.take(region)) {
          results[part] = runPart(run, part, args, operands);
          done[part] = 1;
        }
      } catch (error) {
        if (!(error instanceof PartFailure)) throw error;
        failure = error;
        regions.stop(region);
      }
      this.#untilOver(region);
      const helped = this.#collect(open, results, done, failure?.part ?? parts);
      failure = helped ?? failure;
      this.#close(open);
      isClean = true;
    } finally {
      this.#blocking.delete(region);
      if (!isClean) regions.abandon(region);
    }
    if (failure) throw failure;
    return results;
  }

  #untilOver(region: number): void {
    const { regions, words } = this.#board;
    const endMs = performance.now() + SPIN_MS;
    do {
      for (let look = 0; look < LOOKS; look++) {
        if (regions.isOver(region)) return;
        pause();
      }
    } while (performance.now() < endMs);
    regions.announceWait(region);
    const at = regions.epochAt(region);
    for (;;) {
      const epoch = load(words, at);
      if (regions.isOver(region)) return;
      if (waitOnDuty(words, at, epoch, LOOK_MS) === "timed-out") this.#team?.lookForDead();
    }
  }

  // ---- without blocking

  /** The same by other threads only. Throws also CancelledError. */
  async run(kernel: LoopKernel, call: LoopCall): Promise<unknown[]> {
    const { parts } = call;
    const { regions, words } = this.#board;
    if (parts === 0) return [];
    const limit = Math.min(call.threads, parts);
    const origin = host()?.origin() ?? -1;
    const task = openTask.getStore();
    const stopped = Promise.withResolvers<never>();
    stopped.promise.catch(() => {});
    let region = -1;
    const unlisten = onOwnInterrupt(() => {
      if (region >= 0) regions.stop(region);
      const text = `Stopped ${kernel.label}: the cell that started it was interrupted.`;
      stopped.reject(new CancelledError(text));
    });
    this.#begin(kernel, call);
    let isClean = false;
    try {
      // At once where it can be: the caller may block for what the loop does.
      region = regions.claim(this.#seat);
      if (region < 0) region = await Promise.race([this.#claim(), stopped.promise]);
      let { arrivals } = regions;
      const open = this.#open(region, kernel, call, limit, origin);
      regions.announceWait(region);
      regions.open(region);
      this.#team?.want(limit);
      this.#board.wakeHelpers(limit);
      ownerLink()?.called(task, 1);
      try {
        const at = regions.epochAt(region);
        for (;;) {
          const epoch = load(words, at);
          if (regions.isOver(region)) break;
          if (regions.arrivals !== arrivals) {
            ({ arrivals } = regions);
            this.refresh();
            this.#board.wakeHelpers(limit);
          }
          const changed = waitAsync(words, at, epoch);
          if (changed) await Promise.race([changed, stopped.promise]);
        }
      } finally {
        ownerLink()?.called(task, -1);
      }
      const results = new Array<unknown>(parts);
      for (const { wire } of this.#told(open.number).values()) {
        const loading = prepare(wire);
        if (loading) await loading;
      }
      const failure = this.#collect(open, results, new Uint8Array(parts), parts);
      this.#close(open);
      isClean = true;
      if (failure) throw failure;
      return results;
    } finally {
      unlisten();
      if (!isClean && region >= 0) regions.abandon(region);
      this.#end(kernel, call);
    }
  }

  async #claim(): Promise<number> {
    for (;;) {
      const region = this.#board.regions.claim(this.#seat);
      if (region >= 0) return region;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const timer = setTimeout(resolve, ASK_AGAIN_MS);
      await promise;
      clearTimeout(timer);
    }
  }

  /** Shared memory alone does not keep a program alive, nor a number the array that it stands for. */
  #begin(kernel: LoopKernel, call: LoopCall): void {
    if (this.#running.size === 0) this.#alive = setInterval(() => {}, LONG_MS);
    this.#running.add(call);
    kernel.use(1);
  }

  #end(kernel: LoopKernel, call: LoopCall): void {
    kernel.use(-1);
    this.#running.delete(call);
    if (this.#running.size === 0) clearInterval(this.#alive);
  }

  // ---- a region

  /** Everything that helpers need is told and written before it is opened. */
  #open(region: number, kernel: LoopKernel, call: LoopCall, limit: number, origin: number): Open {
    const { parts, args = [], operands = [] } = call;
    const { regions } = this.#board;
    if (this.#team) this.#team.lastLoss = undefined;
    const kernelNumber = kernel.tell(this.definitions);
    const { ledger, told } = this.#ledgerFor(parts);
    this.definitions.refresh(told);
    ledger.clear(parts);
    const number = regions.nextNumber();
    this.#heard.set(number, []);
    if (!this.#inbox) {
      this.#inbox = new BroadcastChannel(inboxName(this.#name, this.#seat));
      // In the event loop, or in #told before it gets there.
      this.#inbox.onmessage = (event) => this.#hear((event as { data: FromHelper }).data);
      this.#inbox.unref();
    }
    regions.write(region, {
      ...{ number, parts, limit, kernel: kernelNumber, ledger: told.number, origin, publisher: this.#seat },
      ...{ operands: operands.map((operand) => this.#operands.number(operand)), args },
    });
    this.#operands.use(operands, 1);
    return { region, number, ledger, told, operands };
  }

  #close({ region, number, ledger, told, operands }: Open): void {
    this.#operands.use(operands, -1);
    this.#heard.delete(number);
    if (ledger.capacity <= FEW_PARTS) this.#ledgers.push({ ledger, told });
    else this.definitions.forget(told);
    this.#board.regions.free(region);
    this.#waiting.shift()?.();
  }

  #ledgerFor(parts: number): { readonly ledger: Ledger; readonly told: Told } {
    if (parts <= FEW_PARTS) {
      const known = this.#ledgers.pop();
      if (known) return known;
    }
    const memory = new SharedArrayBuffer(Ledger.bytes(Math.max(parts, FEW_PARTS)));
    const told = this.definitions.tell(encode(memory));
    return { ledger: new Ledger(memory), told };
  }

  // ---- what became of it

  /** Fills in the results of helpers; `done` are this thread's. Gives the failure of the lowest part below `before`. */
  #collect(
    { region, number, ledger }: Open,
    results: unknown[],
    done: Uint8Array,
    before: number,
  ): PartFailure | undefined {
    let told: ReadonlyMap<number, FromPart> | undefined;
    for (let part = 0; part < before; part++) {
      if (done[part] === 1) continue;
      const entry = ledger.entry(part);
      if (entry === Entry.missing) return this.#lost(region, part);
      if (entry < Entry.message) {
        results[part] = ledger.read(part);
        continue;
      }
      told ??= this.#told(number);
      const answer = told.get(part);
      if (!answer) return this.#lost(region, part);
      try {
        const value = this.#read(answer.wire);
        if (!answer.ok) return new PartFailure(part, value, answer.thread);
        results[part] = value;
      } catch (error) {
        return new PartFailure(part, error);
      }
    }
    return undefined;
  }

  #hear(message: FromHelper): void {
    this.#heard.get(message.number)?.push(message);
  }

  /** What helpers have told of the parts of a call. */
  #told(number: number): Map<number, FromPart> {
    for (;;) {
      const heard = receiveMessageOnPort(this.#inbox as never) as { message: FromHelper } | undefined;
      if (!heard) break;
      this.#hear(heard.message);
    }
    const told = new Map<number, FromPart>();
    for (const { thread, parts } of this.#heard.get(number) ?? [])
      for (const { part, ok, wire } of parts) told.set(part, { ok, wire, thread });
    return told;
  }

  #read(wire: Wire): unknown {
    const loading = prepare(wire);
    if (!loading) return decode(wire);
    loading.catch(() => {});
    throw new Error(
      "The result is made of a module that this thread has not imported yet: use the form that doesn't block.",
    );
  }

  #why(): string {
    const why = this.#team?.lastLoss;
    if (this.#team) this.#team.lastLoss = undefined;
    return why === undefined ? "" : `: ${why}`;
  }

  /** The thread that took it has not done it. */
  #lost(region: number, part: number): PartFailure {
    const which = `part ${part} of a parallel loop`;
    return new PartFailure(
      part,
      this.#board.regions.hasLost(region)
        ? new ThreadCrashedError(`A thread died while it ran ${which}${this.#why()}.`)
        : new CancelledError(`Stopped before it ran ${which}: the cell that started it was interrupted.`),
    );
  }
}
