/** berth operation: long work of the cluster (drains, builds): list, show, cancel, retry, follow. */
import type { Command } from 'commander';
import { getOperation, listOperations, changeOperation, followOperation, hasEnded, type OperationJson } from '../client/operations.js';
import { CliError } from '../errors.js';
import { paint, type Io } from '../io.js';
import { renderColumns } from '../output/columns.js';
import { parseFormat, printObject } from '../output/format.js';
import { paintStatus } from '../output/status-colour.js';
import { age } from '../output/time.js';
import { examples, inSession, type Verb } from '../verb.js';

export const operation: Verb = {
  register(program: Command, io: Io): void {
    const group = program
      .command('operation')
      .alias('operations')
      .summary('long work: list, show, follow, cancel, retry')
      .description('Operations are drains, image builds and other long work. They survive the command and the process that started them.');
    listCommand(group, program, io);
    group
      .command('show <name>')
      .summary('one operation with its log')
      .action((name: string) => inSession(program, io, async ({ client }) => showOperation(io, await getOperation(client, name))));
    group
      .command('follow <name>')
      .summary('its log until it ends; Ctrl-C cancels it')
      .action((name: string) =>
        inSession(program, io, async ({ client }) => {
          await followOperation(client, await getOperation(client, name), io);
          io.out.write(`operation/${name} succeeded\n`);
        }),
      );
    group
      .command('cancel <name>')
      .summary('ask it to stop')
      .action((name: string) => inSession(program, io, ({ client }) => cancelOperation(client, io, name)));
    group
      .command('retry <name>')
      .summary('run a failed or cancelled one again')
      .action((name: string) => inSession(program, io, ({ client }) => retryOperation(client, io, name)));
    examples(group, [
      ['What is being done', 'berth operation list'],
      ['Run a failed drain again, and watch it', 'berth operation retry drain-node-2-x7k2p && berth operation follow drain-node-2-x7k2p'],
    ]);
  },
};

type Client = Parameters<typeof getOperation>[0];

function listCommand(group: Command, program: Command, io: Io): void {
  group
    .command('list', { isDefault: true })
    .summary('all operations, the newest last')
    .option('-o, --output <format>', 'yaml, json, name, jsonpath=...')
    .option('--no-headers', 'no line of column names')
    .action((flags: { readonly output?: string; readonly headers: boolean }) =>
      inSession(program, io, async ({ client }) => {
        const list = await listOperations(client);
        const format = parseFormat(flags.output);
        if (format.is === 'name') io.out.write(list.items.map(({ metadata }) => `operation.berth.dev/${metadata.name}\n`).join(''));
        else if (format.is !== 'table') io.out.write(printObject(format, list));
        else if (list.items.length === 0) io.err.write('No operations\n');
        else io.out.write(operationTable(io, list.items, flags.headers));
      }),
    );
}

function operationTable(io: Io, items: readonly OperationJson[], headers: boolean): string {
  const rows = items
    .toSorted((left, right) => (left.metadata.creationTimestamp ?? '').localeCompare(right.metadata.creationTimestamp ?? ''))
    .map(({ metadata, spec, status }) => [
      metadata.name,
      spec.type,
      status?.phase ?? 'Pending',
      `${status?.progress ?? 0}%`,
      String(status?.attempts ?? 0),
      age(metadata.creationTimestamp),
      status?.message ?? '',
    ]);
  const names = ['NAME', 'TYPE', 'PHASE', 'PROGRESS', 'ATTEMPTS', 'AGE', 'MESSAGE'];
  return renderColumns(headers ? [names, ...rows] : rows, (text, _row, column) => (column === 2 ? paintStatus(io, text) : text));
}

function showOperation(io: Io, { metadata, spec, status }: OperationJson): void {
  const lines: readonly (readonly [string, string])[] = [
    ['Name', metadata.name],
    ['Type', spec.type],
    ...Object.entries(spec.parameters ?? {}).map(([name, value]) => [`  ${name}`, value] as const),
    ['Phase', paintStatus(io, status?.phase ?? 'Pending')],
    ['Progress', `${status?.progress ?? 0}%`],
    ['Attempts', String(status?.attempts ?? 0)],
    ['Created', `${metadata.creationTimestamp ?? ''} (${age(metadata.creationTimestamp)} ago)`],
    ...(status?.startTime === undefined ? [] : [['Started', status.startTime] as const]),
    ...(status?.completionTime === undefined ? [] : [['Finished', status.completionTime] as const]),
    ['Message', status?.message ?? ''],
  ];
  const width = Math.max(...lines.map(([name]) => name.length)) + 3;
  io.out.write(lines.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}\n`).join(''));
  const log = status?.log ?? [];
  if (log.length > 0) io.out.write(`Log:\n${log.map((line) => `  ${paint(io, 'dim', line)}\n`).join('')}`);
}

async function cancelOperation(client: Client, io: Io, name: string): Promise<void> {
  const operation = await getOperation(client, name);
  if (hasEnded(operation)) throw new CliError(`operation "${name}" has ended already: ${operation.status?.phase}`);
  await changeOperation(client, name, { cancel: true });
  io.out.write(`operation/${name} cancelling\n`);
}

async function retryOperation(client: Client, io: Io, name: string): Promise<void> {
  const operation = await getOperation(client, name);
  const { spec, status } = operation;
  if (!hasEnded(operation))
    throw new CliError(`operation "${name}" has not ended: ${status?.phase ?? 'Pending'}`, 1, `berth operation cancel ${name} stops it.`);
  if (status?.phase === 'Succeeded') throw new CliError(`operation "${name}" has succeeded: there is nothing to retry`);
  await changeOperation(client, name, { attempt: (spec.attempt ?? 1) + 1, cancel: null });
  io.out.write(`operation/${name} retried\n`);
}
