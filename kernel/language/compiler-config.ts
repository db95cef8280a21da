// How cells are checked: TypeScript's settings for notebooks, and the names that a cell has without importing them.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const nodeTypes = path.dirname(require.resolve("@types/node/package.json"));

export const ambientTypes = `
declare function prompt(text?: string, password?: boolean): string;
`;

export function compilerConfig(): object {
  return {
    compilerOptions: {
      target: "esnext",
      lib: ["esnext"],
      module: "preserve",
      moduleResolution: "bundler",
      moduleDetection: "force",
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
      types: ["node"],
      typeRoots: [path.dirname(nodeTypes)],
      paths: { braid: [ownTypes("lib/index")], "braid/notebook": [ownTypes("kernel/notebook/index")] },
    },
    include: ["__cell*.ts", "__globals.d.ts"],
  };
}

/** Built, the declarations beside this file; run from source, the sources themselves. */
function ownTypes(module: string): string {
  const built = fileURLToPath(new URL(`../../${module}.d.ts`, import.meta.url));
  return fs.existsSync(built) ? built : fileURLToPath(new URL(`../../${module}.ts`, import.meta.url));
}
