/** What one file under `verbs/` exports: how it registers itself, and what the verbs share in doing so. `verbs/index.ts` is the list of them. */
import type { Command } from 'commander';
import { openSession, type Session } from './client/session.js';
import { CliError, exitCodes } from './errors.js';
import type { Io } from './io.js';

export interface Verb {
  /** Adds the verb, its options and its examples to the program; its action throws CliError. */
  register(program: Command, io: Io): void;
}

const exampleTexts = new WeakMap<Command, string>();

/** Adds an `Examples:` section to a command's help: what each does, and its line. */
export function examples(command: Command, lines: readonly (readonly [string, string])[]): Command {
  const blocks = lines.map(([does, line]) => [`# ${does}`, line]);
  exampleTexts.set(command, blocks.map((block) => block.join('\n')).join('\n\n'));
  const text = blocks.map((block) => block.map((line) => `  ${line}`).join('\n')).join('\n\n');
  return command.addHelpText('after', `\nExamples:\n${text}\n`);
}

/** For the reference; empty where there are none. */
export function examplesOf(command: Command): string {
  return exampleTexts.get(command) ?? '';
}

/** Opens a session with the cluster for the length of `work`. */
export async function inSession<T>(program: Command, io: Io, work: (session: Session) => Promise<T>): Promise<T> {
  using session = openSession(program, io);
  return await work(session);
}

/** For options that may be repeated. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** For options that take whole numbers from `min` up. */
export function wholeNumber(flag: string, min = 0): (value: string) => number {
  return (value) => {
    if (/^-?\d{1,10}$/.test(value) && Number(value) >= min) return Number(value);
    throw new CliError(`${flag} ${value}: a whole number from ${min} is needed`, exitCodes.usage);
  };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Go's durations: `90s`, `1h30m`, `500ms`; also `2d`, and plain seconds. Answers milliseconds. */
export function duration(flag: string): (value: string) => number {
  return (value) => {
    if (/^\d+$/.test(value)) return Number(value) * 1_000;
    const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
    if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== value)
      throw new CliError(`${flag} ${value}: a duration is needed, such as 30s, 5m or 1h30m`, exitCodes.usage);
    return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0);
  };
}

/** `--dry-run=server` of the verbs that write. Throws CliError (usage) for `client`, with the way out. */
export function dryRunQuery(value: string | undefined): { readonly dryRun?: string } {
  if (value === undefined || value === 'none') return {};
  if (value === 'server') return { dryRun: 'All' };
  throw new CliError(
    `--dry-run=${value}: only "server" and "none" are supported`,
    exitCodes.usage,
    'The server validates and admits the request and then does not store it: --dry-run=server',
  );
}

/** What kubectl puts behind a result that was not stored. */
export function dryRunSuffix(value: string | undefined): string {
  return value === 'server' ? ' (server dry run)' : '';
}
