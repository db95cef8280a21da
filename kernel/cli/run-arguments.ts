// The arguments of `braid run`, checked as far as that needs no file.

import { parseArgs } from "node:util";
import { reason, UsageError } from "./errors.ts";
import { parseParameter, type Parameters } from "./parameters.ts";

export interface RunArguments {
  notebooks: string[];
  parameters: Parameters;
  out: string | undefined;
  html: string | undefined;
  timeoutMs: number | undefined;
  record: boolean;
  /** For tests of the runner: another kernel, by its kernelspec's name. */
  kernel: string;
}

export function parseRunArguments(args: readonly string[]): RunArguments {
  const { values, positionals } = parse(args);
  if (positionals.length === 0) throw new UsageError("run needs a notebook");
  const [first, ...more] = values.parameter.map(parseParameter);
  const { out, html, record } = values;
  if (positionals.length > 1 && (out !== undefined || html !== undefined)) {
    throw new UsageError(
      `${out === undefined ? "--html" : "--out"} takes the result of one notebook, and ${positionals.length} are named`,
    );
  }
  if (record && (first || out !== undefined)) {
    throw new UsageError(
      `--record runs a notebook as it stands and writes into it, so it goes with no ${first ? "-p" : "--out"}`,
    );
  }
  return {
    notebooks: positionals,
    parameters: new Map(first ? [first, ...more] : []),
    out,
    html,
    timeoutMs: values.timeout === undefined ? undefined : seconds(values.timeout) * 1000,
    record,
    kernel: values.kernel,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        parameter: { type: "string", short: "p", multiple: true, default: [] },
        out: { type: "string" },
        html: { type: "string" },
        timeout: { type: "string" },
        record: { type: "boolean", default: false },
        kernel: { type: "string", default: "braid" },
      },
    });
  } catch (error) {
    throw new UsageError(reason(error).split(". ")[0]?.replace(/\.$/, "") ?? "");
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0) || value > 2_000_000) throw new UsageError(`--timeout expects seconds above 0, got \`${text}\``);
  return value;
}
