// chooseChannel: messages or shared state? The questions of the choice as a function, so that a notebook can ask them and draw
// the way that was taken.

import { checkKnown } from "../checks.ts";

export interface ChannelNeeds {
  /** Must several threads see the same data, as it changes? */
  shared: boolean;
  /** Do they touch it often, compared with what they do beside that? Asked only of shared data. */
  frequent?: boolean;
  /** Do nearly all of them only read it? Asked only of shared data that is touched often. Default: false. */
  readMostly?: boolean;
}

export interface ChannelChoice {
  /** What to use: "move" hands the data over, "channel" sends messages to one owner, the others are locks on shared memory. */
  use: "move" | "channel" | "guarded" | "rwlock";
  /** In Braid, and its counterpart in Rust. */
  names: { braid: string; rust: string };
  /** The questions in the order in which they were asked, with what they were answered. */
  asked: { question: string; answer: boolean }[];
  /** A sentence: why. */
  why: string;
}

const QUESTIONS = {
  shared: "Must the data be shared?",
  frequent: "Is it touched often?",
  readMostly: "Is it mostly read?",
} as const;

const CHOICES = {
  move: {
    names: { braid: "move(x)", rust: "move" },
    why: "Only one thread at a time needs the data, so it is handed over: nothing is copied, nothing can race.",
  },
  channel: {
    names: { braid: "Channel", rust: "mpsc::channel" },
    why: "The data is touched seldom, so one thread can own it and be told by messages: a message costs more than a lock, and needs none.",
  },
  guarded: {
    names: { braid: "Guarded, Mutex", rust: "Arc<Mutex<T>>" },
    why: "The data is touched often and changed, so it stays in shared memory behind a lock: that is cheaper than a message for each touch.",
  },
  rwlock: {
    names: { braid: "RwLock", rust: "Arc<RwLock<T>>" },
    why: "The data is touched often and mostly read, so readers share a lock that only a writer has alone.",
  },
} as const;

/**
 * Says whether to hand data over, to send messages about it, or to share it behind a lock, and why.
 *
 * Waits: never. Gotcha: "often" is relative, and the answer a beginning: where both would do, measure both (a channel that sends
 * in batches costs less than a lock that is fought for).
 * Throws: TypeError where an answer is no boolean, or one is missing that has to be asked.
 * @example
 * chooseChannel({ shared: false }).use; // "move"
 * chooseChannel({ shared: true, frequent: false }).use; // "channel"
 * chooseChannel({ shared: true, frequent: true }).use; // "guarded"; with readMostly: true "rwlock"
 */
export function chooseChannel(needs: ChannelNeeds): ChannelChoice {
  checkKnown("chooseChannel", needs, Object.keys(QUESTIONS));
  const asked: ChannelChoice["asked"] = [];
  const ask = (name: keyof typeof QUESTIONS, otherwise?: boolean): boolean => {
    const answer = needs[name] ?? otherwise;
    if (typeof answer !== "boolean")
      throw new TypeError(
        `chooseChannel expects ${name} to be true or false ("${QUESTIONS[name]}"), got ${String(answer)}.`,
      );
    asked.push({ question: QUESTIONS[name], answer });
    return answer;
  };
  const use = !ask("shared") ? "move" : !ask("frequent") ? "channel" : ask("readMostly", false) ? "rwlock" : "guarded";
  return { use, asked, ...CHOICES[use] };
}
