// Statements of JavaScript, and functions written out where they are called.

import type { Tree } from "../../ship/index.ts";
import type { ReadFunction } from "./closures.ts";
import { type Binding, Expressions, Scope } from "./expressions.ts";
import type { Variable } from "./flow.ts";
import { assigns, isWorthSkipping, type Jumps, jumpsOf, returns } from "./jumps.ts";
import { constant, local, type Local, type Value } from "./nodes.ts";

/** A loop in which elements may part. */
interface Loop {
  readonly level: number;
  /** Who has not left it. */
  readonly active: Value;
  /** Who is still in this round, where some go on to the next one earlier. */
  readonly round: Value | undefined;
}

export class Statements extends Expressions {
  readonly #open: ReadFunction[] = [];
  #loops: (Loop | undefined)[] = [];
  /** The calls of which someone has a result. */
  readonly #returned = new WeakSet<object>();

  protected read({ local: of }: Variable): Value {
    return local(of);
  }

  // -- functions

  /** What a stage or a helper gives. */
  apply(fn: ReadFunction, args: readonly Binding[], path: string): Value {
    if (this.#open.includes(fn)) throw fn.refuse(fn.tree, "calls itself");
    const outer = { call: this.call, scope: this.scope, who: this.who, loops: this.#loops };
    const { tree } = fn;
    const isBlock = tree.body.type === "BlockStatement";
    const body: readonly Tree[] = isBlock ? (tree.body.body as Tree[]) : [];
    const last = body.at(-1);
    const jumps = body.some((one) => one !== last && jumpsOf(one).return);
    const isPlain = !isBlock || (last?.type === "ReturnStatement" && !jumps);
    this.#open.push(fn);
    this.scope = new Scope();
    this.#loops = [];
    this.call = { fn, path, result: undefined, live: undefined };
    if (!isPlain) {
      if (!returns(tree.body)) throw fn.refuse(tree.body, "may end without a `return`");
      const live = this.maskLocal();
      this.set(live, this.mask(this.who ?? this.truth(true), live.type));
      this.call = { fn, path, result: this.declare("return", `${path} return`), live: local(live) };
    }
    this.#parameters(fn, args);
    let value: Value;
    if (!isBlock) value = this.value(tree.body);
    else if (isPlain) {
      this.#declareNames(body);
      for (const one of body.slice(0, -1)) this.#statement(one);
      value = last!.argument ? this.value(last!.argument) : constant(NaN);
      if (!last!.argument) throw fn.refuse(last!, "returns nothing");
    } else {
      this.#block(body);
      value = this.read(this.call.result!);
    }
    this.#open.pop();
    ({ call: this.call, scope: this.scope, who: this.who, loops: this.#loops } = outer);
    return value;
  }

  protected inline(fn: ReadFunction, args: readonly Value[], node: Tree): Value {
    const bindings = args.map((value): Binding => ({ is: "value", value: this.snapshot(value) }));
    return this.apply(fn, bindings, `${this.call.path}/${node.start}`);
  }

  #parameters(fn: ReadFunction, args: readonly Binding[]): void {
    (fn.tree.params as Tree[]).forEach((parameter, n) => {
      if (parameter.type !== "Identifier") throw fn.refuse(parameter, "takes a parameter apart, or has a default");
      const arg = args[n];
      if (!arg) throw fn.refuse(parameter, "is a parameter that gets nothing");
      if (arg.is === "value") this.#let(parameter, arg.value);
      else this.scope.names.set(parameter.name, arg);
    });
  }

  /** A name for a value: a variable only where something else is assigned to it. */
  #let(id: Tree, value: Value, isHead = false): void {
    const name = id.name as string;
    const { fn, path } = this.call;
    if (!fn.assigned.has(name)) {
      this.scope.names.set(name, { is: "value", value: this.snapshot(value) });
      return;
    }
    const variable = this.declare(name, `${path} ${id.start}`, isHead);
    this.assign(variable, value, fn, id);
    this.scope.names.set(name, { is: "variable", variable });
  }

  // -- statements

  #declareNames(statements: readonly Tree[]): void {
    for (const { type, declarations } of statements)
      if (type === "VariableDeclaration")
        for (const { id } of declarations as Tree[]) this.scope.names.set(id.name ?? "", { is: "not yet" });
  }

  #block(statements: readonly Tree[]): void {
    const outer = this.scope;
    const { who } = this;
    const depth = this.frames.length;
    this.scope = new Scope(outer);
    this.#declareNames(statements);
    for (const one of statements) this.#statement(one);
    this.scope = outer;
    this.who = who;
    this.frames.length = depth;
  }

  #statement(node: Tree): void {
    switch (node.type) {
      case "EmptyStatement":
        return;
      case "BlockStatement":
        this.#block(node.body);
        break;
      case "VariableDeclaration":
        if (node.kind === "var") throw this.refuse(node, "is seen outside of its block: write `let` or `const`");
        for (const { id, init } of node.declarations as Tree[]) this.#declaration(id, init, node);
        return;
      case "ExpressionStatement":
        if (!node.directive) this.#effect(node.expression);
        return;
      case "IfStatement":
        this.#if(node);
        break;
      case "ForStatement":
      case "WhileStatement":
      case "DoWhileStatement":
        this.#loop(node);
        break;
      case "ForOfStatement":
        this.#forOf(node);
        break;
      case "ReturnStatement":
        this.#return(node);
        break;
      case "BreakStatement":
      case "ContinueStatement":
        this.#leave(node);
        break;
      default:
        throw this.refuse(node, "is no statement of a kernel, which has if, for, while and return");
    }
    this.#afterJumps(jumpsOf(node));
  }

  #declaration(id: Tree, init: Tree | null, node: Tree, isHead = false): void {
    if (id.type !== "Identifier") throw this.refuse(id, "takes something apart");
    if (!init) throw this.refuse(node, "declares a variable without a value");
    this.#let(id, this.value(init), isHead);
  }

  #effect(node: Tree): void {
    if (node.type === "SequenceExpression") {
      for (const one of node.expressions as Tree[]) this.#effect(one);
      return;
    }
    const isUpdate = node.type === "UpdateExpression";
    if (!isUpdate && node.type !== "AssignmentExpression")
      throw this.refuse(node, "does nothing that a kernel does: it computes numbers");
    const target = (isUpdate ? node.argument : node.left) as Tree;
    const binding = target.type === "Identifier" ? this.scope.find(target.name) : undefined;
    if (binding?.is !== "variable") throw this.refuse(node, "writes to something else than a variable of the function");
    const operator: string = isUpdate ? node.operator[0] : node.operator.slice(0, -1);
    if (/^(&&|\|\||\?\?)$/.test(operator)) throw this.refuse(node, "assigns under a condition");
    const { variable } = binding;
    const right = isUpdate ? constant(1) : this.value(node.right);
    const value = operator === "" ? right : this.binary(operator, this.read(variable), right, node);
    this.assign(variable, value, this.call.fn, node);
  }

  #if(node: Tree): void {
    const test = this.condition(this.value(node.test));
    const { consequent, alternate } = node as Tree & { consequent: Tree; alternate: Tree | null };
    if (test.op === "const") {
      const taken = test.value === 1 ? consequent : alternate;
      if (taken) this.#block([taken]);
      return;
    }
    if (test.uniform) {
      const body = this.within(() => this.#block([consequent]));
      const otherwise = this.within(() => this.#block(alternate ? [alternate] : []));
      this.block.push({ do: "if", test, body, otherwise });
      return;
    }
    const outer = this.who;
    const holds = this.snapshot(test);
    const branch = (own: Value, taken: Tree): void => {
      this.frames.push({ kind: "if" });
      const mask = this.keptMask(own);
      this.who = mask;
      const body = this.within(() => this.#block([taken]));
      // A jump is taken seldom, and a loop costs much.
      if (isWorthSkipping(taken)) this.block.push({ do: "if-any", mask, body });
      else this.block.push(...body);
      this.frames.pop();
      this.who = outer;
    };
    branch(outer ? this.logic("and", outer, holds) : holds, consequent);
    if (alternate) branch(outer ? this.logic("andnot", outer, holds) : this.not(holds), alternate);
  }

  #loop(node: Tree): void {
    const outerScope = this.scope;
    this.scope = new Scope(outerScope);
    const { init, update } = node as Tree & { init?: Tree | null; update?: Tree | null };
    if (init?.type === "VariableDeclaration") {
      if (init.kind === "var") throw this.refuse(init, "is seen outside of the loop: write `let`");
      for (const one of init.declarations as Tree[]) this.#declaration(one.id, one.init, init, true);
    } else if (init) this.#effect(init);
    const counter = init && update && this.#counter(update, node.body);
    this.#rounds(node, {
      test: node.test as Tree | null,
      isTestLast: node.type === "DoWhileStatement",
      body: () => this.#block([node.body]),
      update: (test) => {
        if (counter && test && isBelow(test, counter)) {
          const next = this.make("add", "i32", [local(counter.local), constant(1, "i32")]);
          this.assign(counter, next, this.call.fn, update);
        } else if (update) this.#effect(update);
      },
    });
    this.scope = outerScope;
  }

  /** The variable that a loop counts up by one, and that nothing else changes. */
  #counter(update: Tree, body: Tree): Variable | undefined {
    const target =
      update.type === "UpdateExpression" && update.operator === "++" ? (update.argument as Tree) : undefined;
    const binding = target?.type === "Identifier" ? this.scope.names.get(target.name) : undefined;
    return binding?.is === "variable" && !assigns(body, target!.name) ? binding.variable : undefined;
  }

  /** Over the numbers of a row or a captured array. */
  #forOf(node: Tree): void {
    const array = this.arrayOf(node.right);
    const declared = node.left.type === "VariableDeclaration" ? (node.left.declarations[0].id as Tree) : undefined;
    if (!array || declared?.type !== "Identifier") throw this.refuse(node, "goes over something else than a row");
    const counter: Local = { type: "i32", uniform: true };
    const place = local(counter);
    this.set(counter, constant(0, "i32"));
    const length = this.lengthOf(array.stream);
    this.#rounds(node, {
      test: this.make("lt", "b32", [place, length]),
      isTestLast: false,
      body: () => {
        const outer = this.scope;
        this.scope = new Scope(outer);
        this.#let(declared, this.element(array.stream, array.isRow, place)!);
        this.#block([node.body]);
        this.scope = outer;
      },
      update: () => this.set(counter, this.make("add", "i32", [place, constant(1, "i32")])),
    });
  }

  #rounds(
    node: Tree,
    parts: { test: Tree | Value | null; isTestLast: boolean; body(): void; update(test?: Value): void },
  ): void {
    const key = `${this.call.path} loop ${node.start}`;
    const jumps = jumpsOf(node.body);
    const canPart = jumps.break || jumps.continue || jumps.return;
    const isVarying = canPart || this.assumptions.isVaryingLoop(key);
    const outer = { who: this.who, depth: this.frames.length, level: this.level };
    const active = this.maskLocal();
    const round = jumps.continue ? this.maskLocal() : undefined;
    if (isVarying) {
      this.set(active, this.mask(this.who ?? this.truth(true), active.type));
      this.frames.push({ kind: "loop", level: this.level, end: node.end });
      this.who = local(active);
      this.partingLoops++;
    }
    const within = { who: this.who, depth: this.frames.length };
    this.#loops.push(
      isVarying ? { level: outer.level, active: local(active), round: round && local(round) } : undefined,
    );
    let tested: Value | undefined;
    const test = (): void => {
      const { test: of } = parts;
      const value = of && this.condition("op" in of ? (of as Value) : this.value(of as Tree));
      tested = value ?? undefined;
      if (value?.uniform && value.op === "const" && value.value === 1) return;
      if (value?.uniform) this.block.push({ do: "leave-unless", test: value });
      else if (value && isVarying) this.set(active, this.mask(this.logic("and", local(active), value), active.type));
      else if (value) this.assumptions.noteVaryingLoop(key);
    };
    const leave = (): void => {
      if (isVarying) this.block.push({ do: "leave-unless-any", mask: local(active) });
    };
    const body = this.within(() => {
      if (!parts.isTestLast) test();
      leave();
      this.level = outer.level + 1;
      if (round) {
        this.set(round, local(active));
        this.who = local(round);
      }
      parts.body();
      this.level = outer.level;
      this.who = within.who;
      this.frames.length = within.depth;
      parts.update(tested);
      if (parts.isTestLast) test();
    });
    this.block.push({ do: "loop", body });
    this.#loops.pop();
    if (isVarying) this.partingLoops--;
    this.who = outer.who;
    this.frames.length = outer.depth;
  }

  // -- jumps

  #return(node: Tree): void {
    const { result, live, fn } = this.call;
    if (!node.argument) throw this.refuse(node, "returns nothing");
    const value = this.value(node.argument);
    if (!result || !live) throw this.refuse(node, "returns in the middle");
    const isFirst = !this.#returned.has(this.call);
    this.#returned.add(this.call);
    // Who does not return here gets another result later.
    if (isFirst && this.#loops.length === 0) this.assign({ ...result, depth: this.frames.length }, value, fn, node);
    else {
      this.frames.push({ kind: "if" });
      const outer = this.who;
      this.who ??= live;
      this.assign(result, value, fn, node);
      this.who = outer;
      this.frames.pop();
    }
    this.#remove([live, ...this.#loops.flatMap((loop) => (loop ? whoIsIn(loop) : []))]);
  }

  #leave(node: Tree): void {
    if (node.label) throw this.refuse(node, "jumps to a label");
    const loop = this.#loops.at(-1)!;
    this.#remove(node.type === "BreakStatement" ? whoIsIn(loop) : [loop.round!]);
  }

  /** Who is here leaves those. */
  #remove(groups: readonly Value[]): void {
    const gone = this.who && this.keptMask(this.who);
    for (const group of groups) {
      const rest = gone ? this.logic("andnot", group, gone) : this.truth(false);
      this.set(group.local!, this.mask(rest, group.type));
    }
  }

  /** Who goes on after a statement in which some have left. */
  #afterJumps(jumps: Jumps): void {
    const loop = this.#loops.at(-1);
    const { live } = this.call;
    if (!jumps.break && !jumps.continue && !(jumps.return && live)) return;
    const here = loop ? (loop.round ?? loop.active) : live;
    if (!here) return;
    this.frames.push({ kind: "jump", level: jumps.continue ? loop!.level + 0.5 : jumps.break ? loop!.level : -1 });
    if (this.who?.local === here.local) return;
    this.who = this.who ? this.keptMask(this.logic("and", this.who, here)) : here;
  }
}

const whoIsIn = ({ active, round }: Loop): Value[] => (round ? [active, round] : [active]);

/** Does this test hold only where a counter can be counted up without leaving the 32-bit integers? */
function isBelow({ op, args }: Value, { local: counter }: Variable): boolean {
  const [left, right] = args;
  return op === "lt" && left!.type === "i32" && left!.local === counter && right!.type === "i32";
}
