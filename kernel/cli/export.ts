// A notebook as one HTML file, made by the same server endpoint, and so by the same template, as JupyterLab's menu.

import { basename } from "node:path";
import { CliError } from "./errors.ts";
import type { Notebook } from "./notebook.ts";
import type { Server } from "./server.ts";

export async function toHtml(notebook: Notebook, file: string, server: Server): Promise<string> {
  const { baseUrl, token, log } = server;
  // The endpoint wants multi-line strings whole, as they are in memory.
  const response = await fetch(new URL("nbconvert/html", baseUrl), {
    method: "POST",
    headers: { Authorization: `token ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ type: "notebook", name: basename(file), content: notebook }),
  });
  const text = await response.text();
  if (!response.ok) {
    console.error(log().trimEnd());
    throw new CliError(
      `${file} could not be turned into HTML (the Jupyter server answered ${response.status}; its log is above).`,
    );
  }
  return text;
}
