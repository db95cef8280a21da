// How cells are checked: TypeScript's settings for notebooks, and the names that a cell has without importing them.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Expression, type Node, parseSync } from "oxc-parser";

const require = createRequire(import.meta.url);
const nodeTypes = path.dirname(require.resolve("@types/node/package.json"));

export const ambientTypes = `
declare function prompt(text?: string, password?: boolean): string;
declare module "*.wasm";
`;

/** What cells need, whatever the notebook's own settings say. */
const FORCED = {
  module: "preserve",
  moduleResolution: "bundler",
  moduleDetection: "force",
  noEmit: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  // A cell declares for other cells, in its own way.
  noUnusedLocals: false,
  noUnusedParameters: false,
  verbatimModuleSyntax: false,
  isolatedModules: false,
  isolatedDeclarations: false,
  erasableSyntaxOnly: false,
  composite: false,
  incremental: false,
  declaration: false,
};

/**
 * The settings for cells: those of a tsconfig.json beside the notebook, or strict ones, and what cells need.
 * @param strict as a notebook expects it that says nothing itself: those for tslab don't
 */
export function compilerConfig(folder: string, strict = true): object {
  const own = readConfig(path.join(folder, "tsconfig.json"));
  const chosen: Config["compilerOptions"] = own ? own.compilerOptions : { target: "esnext", lib: ["esnext"], strict };
  const { types = ["node"], typeRoots = [], paths = {}, ...options } = chosen ?? {};
  return {
    ...(own?.extends === undefined ? {} : { extends: own.extends }),
    compilerOptions: {
      ...options,
      ...FORCED,
      types: [...new Set([...types, "node"])],
      typeRoots: [...typeRoots, path.join(folder, "node_modules", "@types"), path.dirname(nodeTypes)],
      paths: {
        ...paths,
        braid: [ownTypes("lib/index")],
        "braid/notebook": [ownTypes("kernel/notebook/index")],
        tslab: [ownTypes("kernel/notebook/tslab")],
      },
    },
    include: ["__cell*.ts", "__globals.d.ts"],
  };
}

interface Config {
  extends?: string | string[];
  compilerOptions?: {
    types?: string[];
    typeRoots?: string[];
    paths?: Record<string, string[]>;
    [option: string]: unknown;
  };
}

/** JSON with comments and trailing commas: an expression of JavaScript, so its parser reads it. */
function readConfig(file: string): Config | undefined {
  try {
    const text = fs.readFileSync(file, "utf8");
    const { program, errors } = parseSync("tsconfig.js", `(${text.replace(/^\uFEFF/, "")})`);
    const [statement] = program.body;
    if (errors.length > 0 || statement?.type !== "ExpressionStatement") return undefined;
    return toValue(statement.expression) as Config;
  } catch {
    return undefined;
  }
}

function toValue(node: Expression): unknown {
  switch (node.type) {
    case "ParenthesizedExpression":
      return toValue(node.expression);
    case "Literal":
      return node.value;
    case "ArrayExpression":
      return node.elements.map((element) => toValue(element as Expression));
    case "ObjectExpression":
      return Object.fromEntries(
        node.properties.map((property) => {
          const { key, value } = property as { key: Node; value: Expression };
          return [(key as { value: unknown }).value, toValue(value)];
        }),
      );
    default:
      throw new Error(`expected JSON, got ${node.type}`);
  }
}

/** Built, the declarations beside this file; run from source, the sources themselves. */
function ownTypes(module: string): string {
  const built = fileURLToPath(new URL(`../../${module}.d.ts`, import.meta.url));
  return fs.existsSync(built) ? built : fileURLToPath(new URL(`../../${module}.ts`, import.meta.url));
}
