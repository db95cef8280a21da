// Cells that declare the name of a global: `const URL = …`. A script's `let` hides the global from the whole process,
// the kernel and the library included, so such a name gets another one in what runs. The type checker sees the cell as
// it is. A function of an earlier cell goes on using the global that it meant.

import MagicString from "magic-string";
import type { Node, Program } from "oxc-parser";

/** What scripts call for a cell: see compile.ts and the executor. */
const KERNEL_NAMES = ["__import", "__importMeta", "__using", "__braidGuarded", "__braidBox", "prompt", "require"];
const GLOBALS = new Set([...Object.getOwnPropertyNames(globalThis), ...KERNEL_NAMES]);

// A letter that may stand in a name and is hardly typed: the name stays readable where it is shown.
const MARK = "ˑ";

export function isGlobal(name: string): boolean {
  return GLOBALS.has(name);
}

/** Renames all uses of these names, local ones too: that changes no meaning. */
export function renameGlobals(source: string, program: Program, names: ReadonlySet<string>): MagicString {
  const code = new MagicString(source);
  const rename = (start: number, name: string, key = "") => {
    if (names.has(name)) code.overwrite(start, start + name.length, key + name + MARK);
  };
  visit(program);
  return code;

  function visit(node: Node): void {
    switch (node.type) {
      case "Identifier":
        return rename(node.start, node.name);
      case "MemberExpression":
        visit(node.object);
        return node.computed ? visit(node.property) : undefined;
      case "Property":
        if (node.computed) visit(node.key);
        if (!node.shorthand) return visit(node.value);
        if (node.key.type === "Identifier") rename(node.start, node.key.name, `${node.key.name}:`);
        return node.value.type === "AssignmentPattern" ? visit(node.value.right) : undefined;
      case "MethodDefinition":
      case "PropertyDefinition":
      case "AccessorProperty":
        for (const decorator of node.decorators) visit(decorator);
        if (node.computed) visit(node.key);
        return node.value ? visit(node.value) : undefined;
      case "LabeledStatement":
        return visit(node.body);
      case "ImportSpecifier": {
        const { local, imported } = node;
        return rename(local.start, local.name, imported.start === local.start ? `${local.name} as ` : "");
      }
      case "BreakStatement":
      case "ContinueStatement":
      case "ExportSpecifier":
      case "MetaProperty":
        return;
      case "TSEnumMember":
        return node.initializer ? visit(node.initializer) : undefined;
      default:
        if (node.type.startsWith("TS") && !HOLDS_VALUES.has(node.type)) return;
        for (const [key, value] of Object.entries(node)) {
          if (key === "parent") continue;
          for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child);
        }
    }
  }
}

const HOLDS_VALUES = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "TSEnumDeclaration",
  "TSEnumBody",
  "TSModuleDeclaration",
  "TSModuleBlock",
  "TSParameterProperty",
  "TSExportAssignment",
]);

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}
