// Collects what a kernel publishes into the outputs of notebook cells, by the rules that Jupyter's own front ends keep.

import type { MimeData, Output } from "./notebook.ts";

/** The part of an IOPub message that matters here. */
export interface Published {
  type: string;
  content: Record<string, unknown>;
}

/** One for a whole notebook: a later cell may update a display of an earlier one. */
export class OutputCollector {
  readonly #displays = new Map<string, { data: MimeData; metadata: MimeData }[]>();

  /** The handler for one cell's messages; it fills `outputs`. */
  cell(outputs: Output[]): (message: Published) => void {
    let clearNext = false;
    const add = (output: Output): void => {
      if (clearNext) outputs.length = 0;
      clearNext = false;
      const last = outputs.at(-1);
      if (output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name) {
        last.text += output.text;
      } else {
        outputs.push(output);
      }
    };
    return ({ type, content }) => {
      if (type === "stream") {
        add({ output_type: "stream", name: String(content["name"]), text: String(content["text"]) });
      } else if (type === "display_data" || type === "execute_result") {
        const shown = { data: content["data"] as MimeData, metadata: (content["metadata"] ?? {}) as MimeData };
        const output: Output =
          type === "display_data"
            ? { output_type: type, ...shown }
            : { output_type: type, ...shown, execution_count: (content["execution_count"] ?? null) as number | null };
        const id = displayId(content);
        if (id !== undefined) this.#displays.set(id, [...(this.#displays.get(id) ?? []), output]);
        add(output);
      } else if (type === "update_display_data") {
        for (const output of this.#displays.get(displayId(content) ?? "") ?? []) {
          output.data = content["data"] as MimeData;
          output.metadata = (content["metadata"] ?? {}) as MimeData;
        }
      } else if (type === "clear_output") {
        clearNext = content["wait"] === true;
        if (!clearNext) outputs.length = 0;
      } else if (type === "error") {
        const { ename, evalue, traceback } = content as { ename: string; evalue: string; traceback: string[] };
        add({ output_type: "error", ename, evalue, traceback });
      }
    };
  }
}

function displayId(content: Record<string, unknown>): string | undefined {
  return (content["transient"] as { display_id?: string } | undefined)?.display_id;
}
