// An exercise of a chapter: a hint on demand, and a checker that says what is right and what is missing.

import { host } from "../host.ts";

export interface ExerciseInit<A> {
  /** Shown by `hint()`: where to look, not the answer. */
  hint: string;
  /**
   * Looks at an answer. Gives true where it is right, otherwise a sentence that says what it does and what was expected.
   * What it throws is what the answer threw, and shown as such.
   */
  check: (answer: A) => true | string | Promise<true | string>;
}

export interface Exercise<A> {
  readonly id: string;
  /** Was the answer that was checked last right? */
  readonly solved: boolean;
  /** Shows the hint. */
  hint(): void;
  /**
   * Shows ✓, or ✗ with the reason. An answer that is wrong, or throws, is no error: the cells below an exercise run
   * whether it is solved or not. Waits: async, for the checker.
   */
  check(answer: A): Promise<void>;
}

const known = new Map<string, Exercise<any>>();

/**
 * Makes an exercise, or finds one that was made, by its id: chapter and number, "09-1".
 *
 * In a notebook the outcome is kept in the output's metadata, `{ exercise: "09-1", solved: false }`, where tests read
 * it. The solution of "09-1" is the default export of notebooks/solutions/09-1.ts.
 * Throws: TypeError for what is no id, hint or checker; RangeError for an id that is not known.
 * @example
 * const even = exercise("00-1", {
 *   hint: "The remainder of a division by 2.",
 *   check: (isEven: (n: number) => boolean) => (isEven(4) && !isEven(3)) || "4 is even and 3 is not.",
 * });
 * await even.check((n) => n % 2 === 0);
 * await exercise("00-1").check(() => true); // ✗ 00-1: 4 is even and 3 is not.
 */
export function exercise<A>(id: string, init: ExerciseInit<A>): Exercise<A>;
export function exercise(id: string): Exercise<any>;
export function exercise<A>(id: string, init?: ExerciseInit<A>): Exercise<A> {
  if (typeof id !== "string" || !/^\d\d-\d+$/.test(id)) {
    throw new TypeError(`exercise() expects an id of chapter and number such as "09-1", got ${JSON.stringify(id)}.`);
  }
  if (init === undefined) {
    const made = known.get(id);
    if (!made) throw new RangeError(`exercise() knows no exercise "${id}" yet: run the cell that makes it first.`);
    return made;
  }
  const { hint, check } = init;
  if (typeof hint !== "string") throw new TypeError(`exercise() expects hint to be a text, got ${typeof hint}.`);
  if (typeof check !== "function")
    throw new TypeError(`exercise() expects check to be a function, got ${typeof check}.`);
  let solved = false;
  const made: Exercise<A> = {
    id,
    get solved() {
      return solved;
    },
    hint: () => show(`Hint for ${id}: ${hint}`, `**Hint for ${id}**: ${hint}`, {}),
    check: async (answer) => {
      const verdict = await judge(check, answer);
      solved = verdict === true;
      const [mark, text] = solved ? ["✓", "solved"] : ["✗", verdict];
      show(`${mark} ${id}: ${text}`, `**${mark}** Exercise ${id}: ${text}`, { braid: { exercise: id, solved } });
    },
  };
  known.set(id, made);
  return made;
}

async function judge<A>(check: ExerciseInit<A>["check"], answer: A): Promise<true | string> {
  try {
    const verdict = await check(answer);
    return verdict === true || typeof verdict === "string" ? verdict : `not yet (the checker gave ${String(verdict)})`;
  } catch (error) {
    return `the answer threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  }
}

function show(plain: string, markdown: string, metadata: Record<string, unknown>): void {
  const notebook = host();
  if (notebook) notebook.display({ "text/markdown": markdown, "text/plain": plain }, metadata);
  else console.log(plain);
}
