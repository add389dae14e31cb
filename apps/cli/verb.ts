/** What one file under `verbs/` exports: its name and how it registers itself. `main.ts` is the list of them. */
import type { Command } from 'commander';
import type { Io } from './io.js';

export interface Verb {
  /** Adds the verb, its options and its examples to the program; its action throws CliError. */
  register(program: Command, io: Io): void;
}

/** Adds an `Examples:` section to a command's help. */
export function examples(command: Command, lines: readonly (readonly [string, string])[]): Command {
  const text = lines.map(([does, line]) => `  # ${does}\n  ${line}`).join('\n\n');
  return command.addHelpText('after', `\nExamples:\n${text}\n`);
}
