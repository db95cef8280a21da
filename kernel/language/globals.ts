// Cells that declare the name of a global: `const URL = …`. A script's `let` hides the global from the whole process,
// the kernel and the library included, so such a name gets another one in what runs. The type checker sees the cell as
// it is. A function of an earlier cell goes on using the global that it meant.

import MagicString from "magic-string";
import type { Node, Program } from "oxc-parser";
import { forEachChild, patternNames } from "./syntax.ts";

/** What scripts call for a cell: see compile.ts and the executor. */
const KERNEL_NAMES = [
  "__import",
  "__importMeta",
  "__using",
  "__braidGuarded",
  "__braidBox",
  "__literal",
  "prompt",
  "require",
];
const GLOBALS = new Set([...Object.getOwnPropertyNames(globalThis), ...KERNEL_NAMES]);

// A letter that may stand in a name and is hardly typed: the name stays readable where it is shown.
const MARK = "ˑ";

export function isGlobal(name: string): boolean {
  return GLOBALS.has(name);
}

/** What a function or class that got another name must be called all the same; "" if it did not. */
export function restoreName(name: string): string {
  if (!name.endsWith(MARK)) return "";
  return `Object.defineProperty(${name},"name",{value:"${name.slice(0, -MARK.length)}",configurable:true});`;
}

/** Renames all uses of these names, local ones too, but not where a name becomes a property. */
export function renameGlobals(source: string, program: Program, names: ReadonlySet<string>): MagicString {
  const code = new MagicString(source);
  visitValueNames(program, (name, start, place) => {
    if (!names.has(name)) return;
    const before = { plain: "", shorthand: `${name}:`, import: `${name} as ` }[place];
    code.overwrite(start, start + name.length, before + name + MARK);
  });
  return code;
}

/** The names that a cell uses as values, what it imports not counted. */
export function usedValues(program: Program): Set<string> {
  const used = new Set<string>();
  for (const statement of program.body)
    if (statement.type !== "ImportDeclaration") visitValueNames(statement, (name) => void used.add(name));
  return used;
}

type Place = "plain" | "shorthand" | "import";

/** Calls `tell` for every name that stands for a variable, of a cell or of its own. */
function visitValueNames(root: Node, tell: (name: string, start: number, place: Place) => void): void {
  /** Names that are properties here: members of an enum, exports of a namespace, parameter properties. */
  let properties: ReadonlySet<string> = new Set();
  visit(root);

  function found(name: string, start: number, place: Place = "plain"): void {
    if (!properties.has(name)) tell(name, start, place);
  }

  function within(names: string[], nodes: readonly Node[]): void {
    const outer = properties;
    properties = new Set([...outer, ...names]);
    for (const node of nodes) visit(node);
    properties = outer;
  }

  function visit(node: Node): void {
    switch (node.type) {
      case "Identifier":
        return found(node.name, node.start);
      case "MemberExpression":
        visit(node.object);
        return node.computed ? visit(node.property) : undefined;
      case "Property":
        if (node.computed) visit(node.key);
        if (!node.shorthand) return visit(node.value);
        if (node.key.type === "Identifier") found(node.key.name, node.start, "shorthand");
        return node.value.type === "AssignmentPattern" ? visit(node.value.right) : undefined;
      case "MethodDefinition":
      case "PropertyDefinition":
      case "AccessorProperty":
        for (const decorator of node.decorators) visit(decorator);
        if (node.computed) visit(node.key);
        return node.value ? within(parameterProperties(node.value), [node.value]) : undefined;
      case "LabeledStatement":
        return visit(node.body);
      case "ImportSpecifier": {
        const { local, imported } = node;
        return found(local.name, local.start, imported.start === local.start ? "import" : "plain");
      }
      case "TSImportEqualsDeclaration":
        return found(node.id.name, node.id.start);
      case "TSEnumDeclaration": {
        visit(node.id);
        const names = node.body.members.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
        return within(names, node.body.members);
      }
      case "TSEnumMember":
        return node.initializer ? visit(node.initializer) : undefined;
      case "TSModuleDeclaration":
        if (node.id.type === "Identifier") visit(node.id);
        return node.body ? within(exportedNames(node.body), [node.body]) : undefined;
      case "BreakStatement":
      case "ContinueStatement":
      case "ExportSpecifier":
      case "MetaProperty":
        return;
      default:
        if (node.type.startsWith("TS") && !HOLDS_VALUES.has(node.type)) return;
        forEachChild(node, visit);
    }
  }
}

function parameterProperties(value: Node): string[] {
  if (value.type !== "FunctionExpression") return [];
  return value.params.flatMap((parameter) =>
    parameter.type === "TSParameterProperty" ? [...patternNames(parameter.parameter)] : [],
  );
}

function exportedNames(body: Node): string[] {
  if (body.type !== "TSModuleBlock") return [];
  return body.body.flatMap((statement) => {
    const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : undefined;
    if (declaration?.type === "VariableDeclaration")
      return declaration.declarations.flatMap(({ id }) => [...patternNames(id)]);
    const id = (declaration as { id?: Node | null } | null | undefined)?.id;
    return id?.type === "Identifier" ? [id.name] : [];
  });
}

const HOLDS_VALUES = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "TSModuleBlock",
  "TSParameterProperty",
  "TSExportAssignment",
]);
