// From the text of a kernel to the dialect that gpu.js takes. gpu.js types what it sees by rules of its own, differently
// for each backend: integers overflow, loops end early, names are mixed up. So every expression is written anew, with
// the types that it shall have: indices are 32-bit integers, everything else is a 32-bit float.

import { CaptureError } from "../errors.ts";
import { parse, readClosure, sentence, type ReadClosure, type Tree } from "../ship/index.ts";
import { type ConstantArray, know, type Known } from "./constants.ts";
import { Expressions } from "./expressions.ts";
import { statements } from "./statements.ts";
import { localsOf, Names, settleIntegers } from "./variables.ts";

/** What is passed to a kernel's run. */
export interface Parameter {
  readonly name: string;
  /** Its name in the translation. */
  readonly code: string;
  /** 0 for a number, otherwise how deep it is indexed; undefined until it is used. */
  rank: number | undefined;
  /** The depths whose length the kernel asks for, with the names of the hidden parameters that tell them. */
  readonly lengths: Map<number, string>;
  /** The depths that are indexed with floats, which can't count beyond 16,777,216. */
  readonly floatIndexed: Set<number>;
}

/** A function in the dialect of gpu.js. */
export interface Translated {
  readonly name: string;
  readonly source: string;
  readonly parameters: readonly Parameter[];
}

/** All that gpu.js must be told of a kernel. */
export interface Program {
  readonly kernel: Translated;
  readonly helpers: readonly Translated[];
  readonly constants: readonly ConstantArray[];
  readonly usesRandom: boolean;
  /** A loop that may go round more often than software OpenGL can count, told in a sentence. */
  readonly longLoop: string | undefined;
}

/** What the functions of one kernel have in common. */
export class Unit {
  readonly names = new Names();
  readonly helpers = new Map<Function, Translated>();
  readonly constants: ConstantArray[] = [];
  readonly output: readonly number[];
  usesRandom = false;
  longLoop: string | undefined;
  /** The helpers that are being translated, to see one that calls itself. */
  readonly #open = new Set<Function>();
  readonly #known = new Map<unknown, Known>();

  constructor(output: readonly number[]) {
    this.output = output;
  }

  helper(fn: Function, name: string, user: string): Translated {
    const known = this.helpers.get(fn);
    if (known) return known;
    if (this.#open.has(fn))
      throw new CaptureError(name, `${user} uses "${name}", which calls itself: a GPU has no recursion.`);
    this.#open.add(fn);
    const translated = translateFunction(fn, this, undefined);
    this.#open.delete(fn);
    this.helpers.set(fn, translated);
    return translated;
  }

  /** What a value from outside means; an array that is mentioned twice is the same one. */
  know(name: string, value: unknown, label: string): Known {
    const known = this.#known.get(value) ?? know(name, value, label);
    this.#known.set(value, known);
    return known;
  }

  constant(known: Exclude<Known, number | Function>, name: string): ConstantArray {
    const same = this.constants.find((one) => one.value === known.value);
    if (same) return same;
    const constant = { ...known, name, code: this.names.take(name) };
    this.constants.push(constant);
    return constant;
  }
}

/** Translates a kernel and all that it captures, as it is now. Throws TypeError or CaptureError with a sentence. */
export function translate(kernel: Function, output: readonly number[], constants: object): Program {
  const unit = new Unit(output);
  const translated = translateFunction(kernel, unit, Object.entries(constants));
  const { helpers, usesRandom, longLoop } = unit;
  return { kernel: translated, helpers: [...helpers.values()], constants: unit.constants, usesRandom, longLoop };
}

/** `constants` are given for the kernel itself, not for a helper. */
function translateFunction(fn: Function, unit: Unit, constants: [string, unknown][] | undefined): Translated {
  const closure = read(fn);
  const label = sentence(closure.label);
  const tree = treeOf(closure, label);
  const { source } = closure;
  const refuse = (node: Tree, why: string): TypeError => {
    const text = source.slice(node.start - 1, node.end - 1).replace(/\s+/g, " ");
    return new TypeError(
      `${label} can't run as a kernel: \`${text.length > 50 ? `${text.slice(0, 49)}…` : text}\` ${why}.`,
    );
  };
  const names = new Names();
  const isArrow = tree.type === "ArrowFunctionExpression";
  const [place, ...rest] = tree.params as Tree[];
  const takesPlace = constants !== undefined && isArrow;
  const parameters = (takesPlace ? rest : (tree.params as Tree[])).map((parameter): Parameter => {
    if (parameter.type !== "Identifier") throw refuse(parameter, "must be a plain name, for a number or an array");
    const helper = constants === undefined;
    const [name, code] = [parameter.name as string, names.take(parameter.name)];
    return { name, code, rank: helper ? 0 : undefined, lengths: new Map(), floatIndexed: new Set() };
  });

  const body: Tree =
    tree.body.type === "BlockStatement"
      ? tree.body
      : {
          ...tree.body,
          type: "BlockStatement",
          body: [{ ...tree.body, type: "ReturnStatement", argument: tree.body }],
        };
  const locals = localsOf(body, names, refuse);
  const expressions = new Expressions({ unit, refuse, label, locals, names, parameters, closure, constants, isArrow });
  if (takesPlace && place) expressions.bindPlace(place);
  settleIntegers(locals, (node) => expressions.isSafeInteger(node));

  const lines: string[] = [];
  for (const parameter of parameters) {
    if (!locals.assignedParameters.has(parameter.name)) continue;
    const code = names.take(parameter.name);
    lines.push(`let ${code} = ${expressions.scalar(parameter, body)};`);
    expressions.copies.set(parameter, code);
  }
  lines.push(...statements(body, expressions, refuse));

  for (const { name, rank, lengths } of parameters)
    if (rank !== undefined && [...lengths.keys()].some((depth) => depth >= rank))
      throw refuse(body, `asks for a length of ${name} where it is a number`);

  const name = constants ? "kernel" : unit.names.take(`helper ${fn.name}`);
  const used = parameters.filter(({ rank }) => rank !== undefined);
  const hidden = parameters.flatMap(({ lengths }) => [...lengths.values()]);
  const list = [...used.map(({ code }) => code), ...hidden].join(", ");
  return { name, source: `function ${name}(${list}) {\n${lines.join("\n")}\n}`, parameters };
}

function read(fn: Function): ReadClosure {
  try {
    return readClosure(fn);
  } catch (cause) {
    if (cause instanceof CaptureError) throw cause;
    const text = `A kernel must be a plain function, and the source of "${fn.name}" can't be parsed`;
    throw new TypeError(`${text}: ${(cause as Error).message}.`, { cause });
  }
}

/** The function's tree; its positions are one behind those of the source. */
function treeOf({ source, facts }: ReadClosure, label: string): Tree {
  const refuse = (why: string): TypeError => new TypeError(`${label} can't run as a kernel: ${why}.`);
  if (facts.shape !== "arrow" && facts.shape !== "function")
    throw refuse(`it is a ${facts.shape}; write \`function (…) { … }\` or an arrow function`);
  for (const [name, { written }] of facts.free)
    if (written) throw new CaptureError(name, `${label} writes "${name}", but a kernel can only return a number.`);
  const program = parse(`(${source}\n)`, { ecmaVersion: "latest", sourceType: "script" }) as Tree;
  const tree = program.body[0].expression as Tree;
  if (tree.async) throw refuse("it is asynchronous");
  if (tree.generator) throw refuse("it is a generator");
  return tree;
}
