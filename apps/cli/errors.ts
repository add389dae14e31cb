/** Failures that a verb reports to its user, with the stable exit codes of `berth`. */

/** Scripts may rely on these; documented in docs/cli.md. */
export const exitCodes = {
  ok: 0,
  /** The request failed: refused by the API, a process ended with an error, a wait timed out. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** No cluster answers at the configured address. */
  unreachable: 3,
} as const;

/** `message` says what went wrong, `hint` the way out. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    /** One of `exitCodes`, or what a process inside a container ended with. */
    readonly exitCode: number = exitCodes.failed,
    readonly hint?: string,
  ) {
    super(message);
  }
}
