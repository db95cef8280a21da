// What a thread tells of a task that has ended: its result, on the board where it is small and otherwise by message, or
// what it threw. And what is heard of that.

import type { Board } from "../engine/board.ts";
import { State } from "../engine/slots.ts";
import { NotSendableError } from "../errors.ts";
import { decode, encode, prepare, prepareNow, whyNotCloned, type Wire } from "../ship/index.ts";
import { encodeError, unsendableResult } from "./failures.ts";
import type { Outcome } from "./job.ts";
import { now, type FromThread } from "./messages.ts";
import { ItemFailure } from "./parts.ts";

export class Answers {
  readonly #board: Board;
  readonly #seat: number;
  readonly #owner: string;
  readonly #say: (message: FromThread, wire?: Wire) => void;
  /** The next answer must not overtake a message that has been sent. */
  byMessage = false;

  /** @param owner its realm */
  constructor(board: Board, seat: number, owner: string, say: (message: FromThread, wire?: Wire) => void) {
    this.#board = board;
    this.#seat = seat;
    this.#owner = owner;
    this.#say = say;
  }

  /** Throws where the value can't cross; then nothing has been said. */
  done(slot: number, value: unknown): void {
    const { slots, done } = this.#board;
    const { byMessage } = this;
    this.byMessage = false;
    if (!byMessage && slots.write(slot, value)) {
      slots.setEnded(slot, now());
      slots.setState(slot, State.done, this.#seat);
      done.push(slot);
      return;
    }
    const wire = encode(value, { to: this.#owner, path: "result" });
    this.#post(slot);
    try {
      this.#say({ braid: "done", slot, ok: true, wire, index: undefined }, wire);
    } catch (cause) {
      throw unsendableResult(cause);
    }
  }

  failed(slot: number, thrown: unknown): void {
    this.#post(slot);
    const index = thrown instanceof ItemFailure ? thrown.index : undefined;
    const wire = encodeError(thrown instanceof ItemFailure ? thrown.error : thrown, { to: this.#owner });
    try {
      this.#say({ braid: "done", slot, ok: false, wire, index }, wire);
    } catch (cause) {
      const text = `What the task threw can't be sent: ${whyNotCloned(cause as Error)}.`;
      const why = encodeError(new NotSendableError("error", text, { cause }), { to: this.#owner });
      this.#say({ braid: "done", slot, ok: false, wire: why, index }, why);
    }
  }

  /** The answer comes by message. */
  #post(slot: number): void {
    this.#board.slots.setEnded(slot, now());
    this.#board.slots.setState(slot, State.posted, this.#seat);
  }
}

interface Answer {
  readonly ok: boolean;
  readonly wire: Wire;
  readonly index?: number | undefined;
  readonly stopped?: boolean | undefined;
}

/** Of an answer that came by message; a promise where something has to be imported first, with `now` only where that takes time. */
export function outcomeOf(answer: Answer, now = false): Outcome | Promise<Outcome> {
  try {
    const loading = now && prepareNow(answer.wire) ? undefined : prepare(answer.wire);
    if (!loading) return read(answer);
    return loading.then(() => read(answer)).catch((error: unknown) => unread(answer, error));
  } catch (error) {
    return unread(answer, error);
  }
}

function read({ ok, wire, index, stopped }: Answer): Outcome {
  const value = decode(wire);
  return ok ? { ok, value } : { ok, error: value, index, stopped };
}

const unread = ({ index }: Answer, error: unknown): Outcome => ({ ok: false, error, index });
