// A Jupyter server for tests, with the kernel installed: settings, workspaces and runtime files of its own, a free port.

import { installInto } from "../../kernel/cli/install.ts";
import { ROOT } from "../../kernel/cli/paths.ts";
import { pythonEnvironment } from "../../kernel/cli/python.ts";
import { startJupyter, type Server } from "../../kernel/cli/server.ts";

export interface TestServerOptions {
  /** "lab" serves JupyterLab and Notebook 7 as well. */
  app?: "lab" | "server";
  /** The folder that it serves. */
  root?: string;
  args?: readonly string[];
}

export async function startServer({ app = "server", root = ROOT, args = [] }: TestServerOptions = {}): Promise<Server> {
  const environment = await pythonEnvironment();
  await installInto(environment.prefix);
  return startJupyter(environment, { app, root, args, isolated: true });
}
