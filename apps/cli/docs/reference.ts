/** Renders `docs/cli.md` from the program itself, so that the reference says what the program does. Pure. */
import type { Argument, Command, Option } from 'commander';
import { exitCodes } from '../errors.js';
import { examplesOf } from '../verb.js';

const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'It was done.',
  failed: 'The request failed: refused by the API, a wait timed out, an operation failed.',
  usage: 'The command line itself is wrong, or this host lacks something.',
  unreachable: 'No cluster answers at the configured address.',
};

/** The whole document. `groups`: titles of the help with the names of their verbs. */
export function renderReference(
  program: Command,
  groups: readonly { readonly title: string; readonly names: readonly string[] }[],
): string {
  const commandOf = (name: string): readonly Command[] => program.commands.filter((command) => command.name() === name);
  return (
    [
      '# berth: the command line',
      '<!-- Written by "npm run update:cli-docs" from apps/cli. Change the verbs, not this file. -->',
      program.description(),
      intro,
      '## Verbs',
      ...groups.map(({ title, names }) =>
        [`**${title.replace(/:$/, '')}**`, names.flatMap(commandOf).map(summaryLine).join('\n')].join('\n\n'),
      ),
      '## Global options',
      optionTable(program.options),
      '## Exit codes',
      table(
        ['Code', 'Meaning'],
        Object.entries(exitCodes).map(([name, code]) => [`\`${code}\``, exitMeanings[name as keyof typeof exitCodes]]),
      ),
      '`berth exec` ends with the exit code of the command that it ran.',
      ...groups.flatMap(({ names }) => names.flatMap(commandOf)).flatMap((command) => section(command, 2, 'berth')),
    ].join('\n\n') + '\n'
  );
}

const intro = `Verbs, flags and outputs follow kubectl's where both have them: what scripts read from one they can read from the other.
Data goes to standard output; progress, warnings and errors go to standard error. Colours are used on a terminal only, and never when \`NO_COLOR\` is set.
The cluster is found by \`--kubeconfig\`, then \`$KUBECONFIG\`, then the cluster on this machine (\`/var/lib/berth/admin.kubeconfig\`), then \`~/.kube/config\`.

Where berth does otherwise than kubectl:

- \`berth apply\` is server-side apply, and still prints \`created\`, \`configured\` and \`unchanged\`. Fields that a person changed with berth or kubectl since are taken over with a warning; fields that a controller or another tool owns are refused unless \`--force-conflicts\` is given. Objects that left the manifest are not pruned.
- \`berth logs deploy/web\` shows all pods of the workload, each line with the name of its pod.
- \`berth drain\` is an Operation of the cluster: it goes on when the terminal is closed. \`berth operation\` lists, follows, cancels and retries.
- \`--dry-run\` knows \`server\` only: the server validates and admits, and does not store.`;

function summaryLine(command: Command): string {
  return `- [\`berth ${command.name()}\`](#berth-${command.name()}): ${command.summary()}`;
}

function section(command: Command, level: number, parent: string): readonly string[] {
  const name = `${parent} ${command.name()}`;
  const subcommands = command.commands.filter((sub) => sub.name() !== 'help');
  const aliases =
    command.aliases().length === 0
      ? []
      : [
          `Also: ${command
            .aliases()
            .map((alias) => `\`${alias}\``)
            .join(', ')}`,
        ];
  return [
    `${'#'.repeat(level)} ${name}`,
    escape(command.description() === '' ? sentence(command.summary()) : command.description()),
    ...aliases,
    ...(subcommands.length === 0 ? [`\`\`\`\n${name}${usage(command)}\n\`\`\``] : []),
    ...(command.options.length === 0 ? [] : [optionTable(command.options)]),
    ...exampleText(command),
    ...subcommands.flatMap((sub) => section(sub, level + 1, name)),
  ];
}

function usage(command: Command): string {
  const words = command.registeredArguments.map(argumentText);
  return `${words.map((word) => ` ${word}`).join('')}${command.options.length > 0 ? ' [options]' : ''}`;
}

function argumentText(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? '...' : '');
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionTable(options: readonly Option[]): string {
  return table(
    ['Option', 'Meaning'],
    options.filter(({ hidden }) => !hidden).map((option) => [`\`${option.flags}\``, escape(option.description) + defaultText(option)]),
  );
}

function defaultText({ defaultValue, mandatory }: Option): string {
  if (mandatory) return ' (required)';
  const isTelling = (typeof defaultValue === 'string' && defaultValue !== '') || (typeof defaultValue === 'number' && defaultValue > 0);
  return isTelling ? ` (default \`${String(defaultValue)}\`)` : '';
}

function exampleText(command: Command): readonly string[] {
  const text = examplesOf(command);
  return text === '' ? [] : [`\`\`\`sh\n${text}\n\`\`\``];
}

function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Words in angle brackets would be read as HTML. */
function escape(text: string): string {
  return text.replaceAll('<', '&lt;');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
