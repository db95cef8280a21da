// What the command line says instead of a stack trace.

/** A mistake or a lack that the reader can mend: one sentence, printed as it stands. */
export class CliError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command itself was written wrongly. */
export class UsageError extends CliError {
  constructor(message: string) {
    super(`${message}; \`braid --help\` lists what there is.`, 2);
  }
}

/** The message of whatever was thrown. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
