// A compiler of a few words: functions over whole numbers and addresses become one WebAssembly module.
//
// JavaScript has no 64-bit integers that are fast, and its comparisons branch. What a sort needs of a language is little,
// so its kernels are written in a part of TypeScript that the checker reads as usual and this turns into bytes, once for
// each type of element:
//   - functions take and give 32-bit words, or give nothing; they call each other and themselves
//   - variables are words (number) or keys (bigint: 64 or 32 bits, as the elements have), by what they begin with
//   - let, assignments as statements, if, while, do, for, break, continue, return
//   - `a ? b : c` computes both and selects, without a branch; a comparison is 0 or 1
//   - macros, put in where they are called: arrows of one expression that gives a key, and functions that give nothing
//   - INTRINSICS, for two memories, "scratch" and "elements" of the module "env"
// Anything else is refused. Arithmetic wraps round.

import { parse, type Tree } from "../../ship/index.ts";
import { type Bytes, HEADER, list, section, signed, sized, text, unsigned } from "../wasm-format.ts";
import { COMPARISONS, EMPTY, I32, I64, INTRINSICS, type Intrinsic, type Kind, OPERATORS } from "./instructions.ts";

export interface Program {
  readonly functions: readonly Function[];
  readonly keyBytes: 4 | 8;
  readonly macros: Readonly<Record<string, Function>>;
  /** Names of words and keys that are known. */
  readonly constants: Readonly<Record<string, number | bigint>>;
}

export function compile({ functions, keyBytes, macros, constants }: Program): Uint8Array<ArrayBuffer> {
  const trees = functions.map(treeOf);
  const signatures = new Map(trees.map((tree, index) => [tree.id.name as string, { index, gives: resultOf(tree) }]));
  const macroTrees = new Map(Object.entries(macros).map(([name, fn]) => [name, treeOf(fn)]));
  const known: Known = { signatures, macros: macroTrees, constants, keyBytes };
  const types = trees.map((tree) => [
    0x60,
    ...list(tree.params.map(() => [I32])),
    ...list(resultOf(tree) === "word" ? [[I32]] : []),
  ]);
  const memory = (name: string): Bytes => [...text("env"), ...text(name), 0x02, 0x03, 0x01, ...unsigned(65536)];
  const exported = trees.map((tree, index) => [...text(tree.id.name as string), 0x00, ...unsigned(index)]);
  const bodies = trees.map((tree) => sized(new Body(tree, known).bytes()));
  return new Uint8Array([
    ...HEADER,
    ...section(1, types),
    ...section(2, [memory("scratch"), memory("elements")]),
    ...section(
      3,
      trees.map((_, index) => unsigned(index)),
    ),
    ...section(7, exported),
    ...section(10, bodies),
  ]);
}

const parsed = new WeakMap<Function, Tree>();

function treeOf(fn: Function): Tree {
  const known = parsed.get(fn);
  if (known) return known;
  const program = parse(`(${Function.prototype.toString.call(fn)})`, { ecmaVersion: "latest" });
  const tree = (program.body[0] as Tree).expression as Tree;
  parsed.set(fn, tree);
  return tree;
}

/** A function gives a word if its last statement does. */
function resultOf(tree: Tree): Kind {
  const last = (tree.body.body as Tree[]).at(-1);
  return last?.type === "ReturnStatement" && last.argument ? "word" : "none";
}

interface Known {
  readonly signatures: ReadonlyMap<string, { index: number; gives: Kind }>;
  readonly macros: ReadonlyMap<string, Tree>;
  readonly constants: Readonly<Record<string, number | bigint>>;
  readonly keyBytes: 4 | 8;
}

interface Variable {
  readonly index: number;
  readonly kind: Kind;
}

class Body {
  readonly #tree: Tree;
  readonly #known: Known;
  readonly #code: Bytes = [];
  readonly #locals: Kind[] = [];
  #names = new Map<string, Variable>();
  /** What a branch may leave, from the outside in. */
  readonly #labels: ("break" | "continue" | "other")[] = [];

  constructor(tree: Tree, known: Known) {
    this.#tree = tree;
    this.#known = known;
    for (const [index, { name }] of (tree.params as Tree[]).entries())
      this.#names.set(name as string, { index, kind: "word" });
  }

  bytes(): Bytes {
    this.#statement(this.#tree.body as Tree);
    return [...list(this.#locals.map((kind) => [0x01, this.#type(kind)])), ...this.#code, 0x0b];
  }

  get #isWide(): boolean {
    return this.#known.keyBytes === 8;
  }

  #type(kind: Kind): number {
    return kind === "key" && this.#isWide ? I64 : I32;
  }

  #emit(...bytes: Bytes): void {
    this.#code.push(...bytes);
  }

  #local(kind: Kind): Variable {
    const index = (this.#tree.params as Tree[]).length + this.#locals.length;
    this.#locals.push(kind);
    return { index, kind };
  }

  #declare(name: string, kind: Kind): Variable {
    const variable = this.#local(kind);
    this.#names.set(name, variable);
    return variable;
  }

  #variable(name: string): Variable {
    const variable = this.#names.get(name);
    if (!variable) throw new SyntaxError(`The sort's kernels have no variable ${name}.`);
    return variable;
  }

  #statement(node: Tree): void {
    switch (node.type) {
      case "BlockStatement": {
        const outer = this.#names;
        this.#names = new Map(outer);
        for (const one of node.body as Tree[]) this.#statement(one);
        this.#names = outer;
        return;
      }
      case "VariableDeclaration":
        for (const { id, init } of node.declarations as Tree[]) {
          const kind = this.#kindOf(init as Tree);
          this.#value(init as Tree, kind);
          this.#emit(0x21, ...unsigned(this.#declare(id.name as string, kind).index));
        }
        return;
      case "ExpressionStatement":
        return this.#effect(node.expression as Tree);
      case "IfStatement":
        this.#value(node.test as Tree, "word");
        this.#emit(0x04, EMPTY);
        this.#labels.push("other");
        this.#statement(node.consequent as Tree);
        if (node.alternate) {
          this.#emit(0x05);
          this.#statement(node.alternate as Tree);
        }
        return this.#end();
      case "ForStatement":
      case "WhileStatement":
      case "DoWhileStatement":
        return this.#loop(node);
      case "BreakStatement":
        return this.#branch("break");
      case "ContinueStatement":
        return this.#branch("continue");
      case "ReturnStatement":
        if (node.argument) this.#value(node.argument as Tree, "word");
        return this.#emit(0x0f);
      default:
        throw refused(node);
    }
  }

  /** The test stands at the end, and once before the loop: one jump for each round. */
  #loop(node: Tree): void {
    const outer = this.#names;
    this.#names = new Map(outer);
    if (node.init) this.#statement(node.init as Tree);
    this.#emit(0x02, EMPTY);
    this.#labels.push("break");
    if (node.type !== "DoWhileStatement" && node.test) {
      this.#value(node.test as Tree, "word");
      this.#emit(0x45, 0x0d, 0x00);
    }
    this.#emit(0x03, EMPTY, 0x02, EMPTY);
    this.#labels.push("other", "continue");
    this.#statement(node.body as Tree);
    this.#end();
    if (node.update) this.#effect(node.update as Tree);
    if (node.test) {
      this.#value(node.test as Tree, "word");
      this.#emit(0x0d, 0x00);
    } else this.#emit(0x0c, 0x00);
    this.#end();
    this.#end();
    this.#names = outer;
  }

  #end(): void {
    this.#labels.pop();
    this.#emit(0x0b);
  }

  #branch(label: "break" | "continue"): void {
    this.#emit(0x0c, ...unsigned(this.#labels.length - 1 - this.#labels.lastIndexOf(label)));
  }

  #effect(node: Tree): void {
    if (node.type === "CallExpression") {
      this.#call(node);
      if (this.#kindOf(node) !== "none") this.#emit(0x1a);
    } else if (node.type === "AssignmentExpression" && node.left.type === "Identifier") {
      const { index, kind } = this.#variable(node.left.name as string);
      const operator = (node.operator as string).slice(0, -1);
      if (operator === "") this.#value(node.right as Tree, kind);
      else this.#binary(operator, node.left as Tree, node.right as Tree, kind);
      this.#emit(0x21, ...unsigned(index));
    } else if (node.type === "UpdateExpression" && node.argument.type === "Identifier") {
      const { index } = this.#variable(node.argument.name as string);
      const [add] = OPERATORS[(node.operator as string)[0]!]!;
      this.#emit(0x20, ...unsigned(index), 0x41, 0x01, add, 0x21, ...unsigned(index));
    } else throw refused(node);
  }

  #kindOf(node: Tree): Kind {
    switch (node.type) {
      case "Literal":
        return kindOfConstant(node.value as number | bigint);
      case "Identifier":
        return this.#known.constants[node.name as string] === undefined
          ? this.#variable(node.name as string).kind
          : kindOfConstant(this.#known.constants[node.name as string]!);
      case "BinaryExpression":
        return (node.operator as string) in COMPARISONS ? "word" : this.#kindOf(node.left as Tree);
      case "UnaryExpression":
        return node.operator === "!" ? "word" : this.#kindOf(node.argument as Tree);
      case "ConditionalExpression":
        return this.#kindOf(node.consequent as Tree);
      case "LogicalExpression":
        return "word";
      case "CallExpression": {
        const name = node.callee.name as string;
        const macro = this.#known.macros.get(name);
        if (macro) return givenBy(macro);
        return INTRINSICS[name]?.gives ?? this.#known.signatures.get(name)?.gives ?? "none";
      }
      default:
        throw refused(node);
    }
  }

  /** Its value on the stack, which must be of this kind. */
  #value(node: Tree, kind: Kind): void {
    if (this.#kindOf(node) !== kind) throw refused(node);
    switch (node.type) {
      case "Literal":
        return this.#constant(BigInt(node.value as number), kind);
      case "Identifier": {
        const constant = this.#known.constants[node.name as string];
        if (constant !== undefined) return this.#constant(BigInt(constant), kind);
        return this.#emit(0x20, ...unsigned(this.#variable(node.name as string).index));
      }
      case "BinaryExpression":
        return this.#binary(node.operator as string, node.left as Tree, node.right as Tree, kind);
      case "UnaryExpression":
        if (node.operator === "!") {
          this.#value(node.argument as Tree, "word");
          return this.#emit(0x45);
        }
        if (node.operator !== "-") throw refused(node);
        this.#constant(0n, kind);
        this.#value(node.argument as Tree, kind);
        return this.#operator(OPERATORS["-"]!, kind);
      case "ConditionalExpression":
        if (node.consequent.value === 1 && node.alternate.value === 0 && node.test.operator in COMPARISONS)
          return this.#value(node.test as Tree, "word");
        this.#value(node.consequent as Tree, kind);
        this.#value(node.alternate as Tree, kind);
        this.#value(node.test as Tree, "word");
        return this.#emit(0x1b);
      case "LogicalExpression":
        this.#value(node.left as Tree, "word");
        this.#emit(0x04, I32);
        if (node.operator === "&&") this.#value(node.right as Tree, "word");
        else this.#emit(0x41, 0x01);
        this.#emit(0x05);
        if (node.operator === "&&") this.#emit(0x41, 0x00);
        else this.#value(node.right as Tree, "word");
        return this.#emit(0x0b);
      case "CallExpression":
        return this.#call(node);
      default:
        throw refused(node);
    }
  }

  #constant(value: bigint, kind: Kind): void {
    const isLong = kind === "key" && this.#isWide;
    this.#emit(isLong ? 0x42 : 0x41, ...signed(BigInt.asIntN(isLong ? 64 : 32, value)));
  }

  #binary(operator: string, left: Tree, right: Tree, kind: Kind): void {
    const codes = OPERATORS[operator] ?? COMPARISONS[operator];
    if (!codes) throw new SyntaxError(`The sort's kernels have no operator ${operator}.`);
    const operands = operator in COMPARISONS ? this.#kindOf(left) : kind;
    this.#value(left, operands);
    this.#value(right, operands);
    this.#operator(codes, operands);
  }

  #operator([word, key]: readonly [number, number], kind: Kind): void {
    this.#emit(kind === "key" && this.#isWide ? key : word);
  }

  #call(node: Tree): void {
    const name = node.callee.name as string;
    const given = node.arguments as Tree[];
    const macro = this.#known.macros.get(name);
    if (macro) return this.#macro(macro, given);
    const intrinsic = INTRINSICS[name];
    if (intrinsic) return this.#intrinsic(name, intrinsic, given);
    const signature = this.#known.signatures.get(name);
    if (!signature) throw refused(node);
    for (const one of given) this.#value(one, "word");
    this.#emit(0x10, ...unsigned(signature.index));
  }

  #macro(macro: Tree, given: Tree[]): void {
    const outer = this.#names;
    const inner = new Map<string, Variable>();
    for (const [index, one] of given.entries()) {
      const kind = this.#kindOf(one);
      this.#value(one, kind);
      const variable = this.#local(kind);
      this.#emit(0x21, ...unsigned(variable.index));
      inner.set(macro.params[index].name as string, variable);
    }
    this.#names = inner;
    if (givenBy(macro) === "none") this.#statement(macro.body as Tree);
    else this.#value(macro.body as Tree, "key");
    this.#names = outer;
  }

  #intrinsic(name: string, { takes, access, code }: Intrinsic, given: Tree[]): void {
    const keyShift = this.#isWide ? 3 : 2;
    const shift = access?.bits === "key" ? keyShift : access?.bits === 16 ? 1 : 2;
    for (const [index, kind] of takes.entries()) {
      if (name === "clear" && index === 1) this.#emit(0x41, 0x00);
      this.#value(given[index]!, kind);
      if (access && index === 1) this.#emit(0x41, shift, 0x74, 0x6a);
    }
    if (!access) return this.#emit(...code!(keyShift));
    const [word, key] = access.codes;
    this.#emit(this.#isWide ? key : word, ...(access.memory === 1 ? [shift | 0x40, 1, 0] : [shift, 0]));
  }
}

/** A macro is an expression, which gives a key, or a block. */
const givenBy = (macro: Tree): Kind => (macro.body.type === "BlockStatement" ? "none" : "key");
const kindOfConstant = (value: number | bigint): Kind => (typeof value === "bigint" ? "key" : "word");

function refused(node: Tree): SyntaxError {
  return new SyntaxError(`The sort's kernels can't hold this ${node.type}.`);
}
