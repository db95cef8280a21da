#!/usr/bin/env node
// `braid …`: finds the command and reports what goes wrong in one sentence.

import { CliError, UsageError } from "./errors.ts";
import { version } from "./paths.ts";

const HELP = `braid ${version()}: a TypeScript kernel for Jupyter, and notebooks about parallel computing

  braid lab [folder] [jupyter lab arguments…]    serve JupyterLab (--no-browser, --port=…)
  braid run <notebooks…>                         execute without a browser
      -p name=value         set a variable of the cell tagged "parameters" (again for more)
      --out file.ipynb      write the notebook with its outputs
      --html file.html      write one HTML file that opens offline
      --timeout seconds     for each cell
      --record              write the outputs into the notebook itself
  braid install [--prefix DIR | --user]          make the kernel known to a Jupyter of yours
`;

const COMMANDS: Record<string, () => Promise<(args: readonly string[]) => Promise<number>>> = {
  lab: async () => (await import("./lab.ts")).lab,
  run: async () => (await import("./run.ts")).run,
  install: async () => (await import("./install.ts")).install,
};

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help" || args[0] === "--help") {
    console.log(HELP);
    return name === undefined ? 2 : 0;
  }
  if (name === "--version") {
    console.log(version());
    return 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) throw new UsageError(`there is no command "${name}"`);
  return (await load())(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const known = error instanceof CliError;
  console.error(known ? `braid: ${error.message}` : error);
  process.exitCode = known ? error.exitCode : 1;
}
