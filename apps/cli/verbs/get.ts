/** berth get: objects as tables, YAML, JSON and more. */
import type { Command } from 'commander';
import type { Resource } from '../client/discovery.js';
import { listAll, pagesOf } from '../client/fetch.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { parseTargets, type Target } from '../client/targets.js';
import { ApiError } from '../client/api-client.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { objectName, parseFormat, printObject, withType, type Format } from '../output/format.js';
import { compilePath, textOf } from '../output/json-path.js';
import { TABLE_ACCEPT, type ServerTable, type TableRow } from '../output/server-table.js';
import { collect, examples, inSession, type Verb } from '../verb.js';
import { manifestTargets } from './get-manifests.js';
import { namespaceOf, nameOf, selectors, tablePrinter, type GetFlags, type GetScope } from './get-scope.js';
import { watchTargets } from './get-watch.js';

export const get: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('get [types] [names...]')
      .summary('show objects')
      .description('Shows one or many objects: "berth get pods", "berth get deploy,svc", "berth get pod/web-1 svc/web".')
      .option('-o, --output <format>', 'wide, yaml, json, name, jsonpath=..., custom-columns=...')
      .option('-A, --all-namespaces', 'objects of all namespaces', false)
      .option('-l, --selector <labels>', 'only objects with these labels, such as app=web,tier!=db')
      .option('--field-selector <fields>', 'only objects with these fields, such as status.phase=Running')
      .option('-w, --watch', 'go on and show changes', false)
      .option('--watch-only', 'show changes only', false)
      .option('-L, --label-columns <labels>', 'labels to show as columns', splitCommas, [])
      .option('--show-labels', 'all labels in the last column', false)
      .option('--show-kind', 'put the type before each name', false)
      .option('--no-headers', 'no line of column names')
      .option('--sort-by <jsonpath>', 'order of the list, such as .metadata.creationTimestamp')
      .option('--ignore-not-found', 'no error for objects that do not exist', false)
      .option('--show-managed-fields', 'keep metadata.managedFields in YAML and JSON', false)
      .option('-f, --filename <file>', 'the objects that a manifest names (file, folder or -)', collect, [])
      .option('--raw <path>', 'the answer of the server to a GET of this path')
      .action((types: string | undefined, names: readonly string[], flags: GetFlags) =>
        inSession(program, io, (session) => runGet(session, io, { words: types === undefined ? [] : [types, ...names], flags })),
      );
    examples(command, [
      ['Pods with their hosts', 'berth get pods -o wide'],
      ['Two types in all namespaces', 'berth get deploy,svc -A'],
      ['One field of every pod', `berth get pods -o jsonpath='{range .items[*]}{.metadata.name}{"\\n"}{end}'`],
      ['Columns of your own', 'berth get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP'],
      ['Watch a rollout', 'berth get pods -l app=web -w'],
    ]);
  },
};

function splitCommas(value: string, before: readonly string[]): readonly string[] {
  return [...before, ...value.split(',')];
}

interface Request {
  readonly words: readonly string[];
  readonly flags: GetFlags;
}

async function runGet(session: Session, io: Io, { words, flags }: Request): Promise<void> {
  if (flags.raw !== undefined) {
    for await (const chunk of await session.client.stream(flags.raw)) io.out.write(chunk as Buffer);
    return;
  }
  const format = parseFormat(flags.output);
  const targets =
    flags.filename.length > 0 ? await manifestTargets(session, io, flags.filename) : await parseTargets(words, session.discovery);
  const scope: GetScope = { session, io, flags, format, targets };
  if (flags.watch || flags.watchOnly) return watchTargets(scope);
  return format.is === 'table' ? printTables(scope, format.wide) : printObjects(scope, format);
}

async function printTables(scope: GetScope, wide: boolean): Promise<void> {
  const { io, flags, targets } = scope;
  let printed = 0;
  const failures: Error[] = [];
  for (const target of targets) {
    const tables: ServerTable[] = [];
    for await (const table of tablesOf(scope, target, failures)) tables.push(table);
    const rows = sortRows(
      tables.flatMap((table) => table.rows),
      flags.sortBy,
    );
    if (rows.length === 0) continue;
    const printer = tablePrinter({ ...scope, format: { is: 'table', wide } }, target.resource);
    const text = printer.print({ columnDefinitions: tables[0]?.columnDefinitions ?? [], rows });
    io.out.write(printed++ === 0 ? text : `\n${text}`);
  }
  reportEmpty(scope, printed, failures);
}

/** Tables of a target: pages of the list, or one for each name. Objects that do not exist go to `failures`. */
async function* tablesOf(scope: GetScope, { resource, names }: Target, failures: Error[]): AsyncGenerator<ServerTable> {
  const { session, flags } = scope;
  const namespace = namespaceOf(scope);
  const includeObject = flags.sortBy === undefined ? 'Metadata' : 'Object';
  if (names === undefined) {
    yield* pagesOf<ServerTable>(session.client, resource, {
      namespace,
      query: { ...selectors(scope), includeObject },
      accept: TABLE_ACCEPT,
    });
    return;
  }
  for (const name of names) {
    const path = pathOf(resource, { namespace, name, query: { includeObject } });
    const table = await session.client
      .json<ServerTable>(path, { accept: TABLE_ACCEPT })
      .catch((error: unknown) => tolerated(error, failures));
    if (table !== undefined) yield table;
  }
}

function tolerated(error: unknown, failures: Error[]): undefined {
  if (!(error instanceof ApiError) || error.status !== 404) throw error;
  failures.push(error);
}

function sortRows(rows: readonly TableRow[], sortBy: string | undefined): readonly TableRow[] {
  return sortBy === undefined ? rows : sortObjects(rows, sortBy, (row) => row.object);
}

/** Numbers by value, everything else as text; objects without the field come first, as with kubectl. */
export function sortObjects<T>(items: readonly T[], sortBy: string, objectOf: (item: T) => unknown): readonly T[] {
  const path = compilePath(sortBy);
  const keyOf = (item: T): string | number => {
    const [value] = path(objectOf(item));
    return typeof value === 'number' ? value : textOf(value);
  };
  return items
    .map((item) => ({ item, key: keyOf(item) }))
    .toSorted(({ key: left }, { key: right }) =>
      typeof left === 'number' && typeof right === 'number'
        ? left - right
        : String(left).localeCompare(String(right), 'en', { numeric: false }),
    )
    .map(({ item }) => item);
}

function reportEmpty({ session, io, flags, targets }: GetScope, printed: number, failures: readonly Error[]): void {
  for (const failure of failures) if (!flags.ignoreNotFound) io.err.write(`${failure.message}\n`);
  if (failures.length > 0 && !flags.ignoreNotFound) throw new CliError('', exitCodes.failed);
  if (printed > 0 || failures.length > 0 || flags.ignoreNotFound) return;
  const namespaced = targets.some(({ resource }) => resource.namespaced) && !flags.allNamespaces;
  io.err.write(namespaced ? `No resources found in ${session.namespace} namespace.\n` : 'No resources found\n');
}

async function printObjects(scope: GetScope, format: Exclude<Format, { is: 'table' }>): Promise<void> {
  const { io, flags, targets } = scope;
  const failures: Error[] = [];
  const found: { resource: Resource; object: object }[] = [];
  for (const target of targets)
    for (const object of await objectsOf(scope, target, failures))
      found.push({ resource: target.resource, object: withType(target.resource, object) });
  const sorted = flags.sortBy === undefined ? found : sortObjects(found, flags.sortBy, ({ object }) => object);
  const single = targets.length === 1 && targets[0]?.names?.length === 1;
  if (format.is === 'name') {
    for (const { resource, object } of sorted) io.out.write(`${objectName(resource, nameOf(object))}\n`);
  } else if (single && sorted[0] !== undefined) {
    io.out.write(printObject(format, sorted[0].object, flags));
  } else if (!single) {
    const list = { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: sorted.map(({ object }) => object) };
    io.out.write(printObject(format, list, flags));
  }
  reportEmpty(scope, sorted.length > 0 || format.is !== 'name' ? 1 : 0, failures);
}

async function objectsOf(scope: GetScope, { resource, names }: Target, failures: Error[]): Promise<readonly object[]> {
  const { client } = scope.session;
  const namespace = namespaceOf(scope);
  if (names === undefined) return listAll<object>(client, resource, { namespace, query: selectors(scope) });
  const objects: object[] = [];
  for (const name of names) {
    const object = await client.json<object>(pathOf(resource, { namespace, name })).catch((error: unknown) => tolerated(error, failures));
    if (object !== undefined) objects.push(object);
  }
  return objects;
}
