/** berth top: what hosts and pods use right now. */
import type { Command } from 'commander';
import { quantityMillis, quantityValue } from '../client/api-words.js';
import { getOrUndefined, listAll } from '../client/fetch.js';
import { pathOf, queryText } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { CliError } from '../errors.js';
import type { Io } from '../io.js';
import { renderColumns } from '../output/columns.js';
import { examples, inSession, type Verb } from '../verb.js';

interface TopFlags {
  readonly allNamespaces: boolean;
  readonly selector?: string;
  readonly containers: boolean;
  readonly sortBy?: string;
  readonly headers: boolean;
  readonly sum: boolean;
}

type Usage = Readonly<Record<string, string>>;
interface NodeMetrics {
  readonly metadata: { readonly name: string };
  readonly usage: Usage;
}
interface PodMetrics {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[];
}
interface NodeJson {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly allocatable?: Usage };
}

const BASE = '/apis/metrics.k8s.io/v1beta1';

export const top: Verb = {
  register(program: Command, io: Io): void {
    const group = program
      .command('top')
      .summary('CPU and memory in use')
      .description('Shows what hosts and pods use, as measured in the last seconds.');
    const nodes = common(group.command('nodes [name]').alias('node').alias('no').summary('usage of hosts'));
    nodes.action((name: string | undefined, flags: TopFlags) =>
      inSession(program, io, (session) => topNodes(session, io, { name, flags })),
    );
    const pods = common(group.command('pods [name]').alias('pod').alias('po').summary('usage of pods'))
      .option('-A, --all-namespaces', 'pods of all namespaces', false)
      .option('--containers', 'each container on its own line', false)
      .option('--sum', 'the total as the last line', false);
    pods.action((name: string | undefined, flags: TopFlags) => inSession(program, io, (session) => topPods(session, io, { name, flags })));
    examples(group, [
      ['Hosts', 'berth top nodes'],
      ['The hungriest pods', 'berth top pods -A --sort-by=memory'],
    ]);
  },
};

function common(command: Command): Command {
  return command
    .option('-l, --selector <labels>', 'only with these labels')
    .option('--sort-by <cpu|memory>', 'the highest first')
    .option('--no-headers', 'no line of column names');
}

interface Asked {
  readonly name: string | undefined;
  readonly flags: TopFlags;
}

interface Row {
  readonly cells: readonly string[];
  readonly cpu: number;
  readonly memory: number;
}

async function topNodes({ client, discovery }: Session, io: Io, { name, flags }: Asked): Promise<void> {
  const metrics =
    name === undefined
      ? (await client.json<{ readonly items: readonly NodeMetrics[] }>(`${BASE}/nodes${queryText({ labelSelector: flags.selector })}`))
          .items
      : [await client.json<NodeMetrics>(`${BASE}/nodes/${encodeURIComponent(name)}`)];
  if (metrics.length === 0) throw notYet();
  const nodes = await listAll<NodeJson>(client, await discovery.find('nodes'), { namespace: undefined });
  const rows = metrics.map(({ metadata, usage }): Row => {
    const allocatable = nodes.find((node) => node.metadata.name === metadata.name)?.status?.allocatable ?? {};
    const { cpu, memory } = amounts(usage);
    const all = amounts(allocatable);
    return { cells: [metadata.name, cpuText(cpu), percent(cpu, all.cpu), memoryText(memory), percent(memory, all.memory)], cpu, memory };
  });
  io.out.write(table(['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'], sortRows(rows, flags.sortBy), flags.headers));
}

async function topPods(session: Session, io: Io, { name, flags }: Asked): Promise<void> {
  const place = flags.allNamespaces ? '' : `/namespaces/${session.namespace}`;
  const path = `${BASE}${place}/pods`;
  const metrics =
    name === undefined
      ? (await session.client.json<{ readonly items: readonly PodMetrics[] }>(`${path}${queryText({ labelSelector: flags.selector })}`))
          .items
      : [await oneOrExplain(session, path, name)];
  if (metrics.length === 0) {
    const pods = await listAll<PodMetrics>(session.client, await session.discovery.find('pods'), {
      namespace: flags.allNamespaces ? undefined : session.namespace,
      query: { labelSelector: flags.selector },
    });
    if (pods.length > 0) throw notYet();
    io.err.write(flags.allNamespaces ? 'No resources found\n' : `No resources found in ${session.namespace} namespace.\n`);
    return;
  }
  const rows = sortRows(
    metrics.flatMap((pod) => podRows(pod, flags)),
    flags.sortBy,
  );
  const headers = [
    ...(flags.allNamespaces ? ['NAMESPACE'] : []),
    ...(flags.containers ? ['POD', 'NAME'] : ['NAME']),
    'CPU(cores)',
    'MEMORY(bytes)',
  ];
  io.out.write(table(headers, flags.sum ? [...rows, sumRow(rows, headers.length)] : rows, flags.headers));
}

async function oneOrExplain({ client, discovery, namespace }: Session, path: string, name: string): Promise<PodMetrics> {
  const found = await getOrUndefined<PodMetrics>(client, `${path}/${encodeURIComponent(name)}`);
  if (found !== undefined) return found;
  await client.json(pathOf(await discovery.find('pods'), { namespace, name })); // throws where the pod does not exist either
  throw notYet();
}

function notYet(): CliError {
  return new CliError('metrics not available yet', 1, 'Hosts report each second once their agent runs: berth get nodes');
}

function podRows({ metadata, containers }: PodMetrics, { allNamespaces, containers: each }: TopFlags): readonly Row[] {
  const place = allNamespaces ? [metadata.namespace] : [];
  const all = containers.map(({ name, usage }) => ({ name, ...amounts(usage) }));
  if (each)
    return all.map(({ name, cpu, memory }) => ({ cells: [...place, metadata.name, name, cpuText(cpu), memoryText(memory)], cpu, memory }));
  const [cpu, memory] = [sum(all.map((one) => one.cpu)), sum(all.map((one) => one.memory))];
  return [{ cells: [...place, metadata.name, cpuText(cpu), memoryText(memory)], cpu, memory }];
}

function sumRow(rows: readonly Row[], width: number): Row {
  const [cpu, memory] = [sum(rows.map((row) => row.cpu)), sum(rows.map((row) => row.memory))];
  return { cells: [...Array.from({ length: width - 2 }, () => ''), cpuText(cpu), memoryText(memory)], cpu, memory };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** CPU in thousandths of a core, memory in bytes. */
export function amounts(usage: Usage): { readonly cpu: number; readonly memory: number } {
  return { cpu: quantityMillis(usage['cpu'] ?? '0'), memory: quantityValue(usage['memory'] ?? '0') };
}

export function cpuText(millis: number): string {
  return `${Math.ceil(millis)}m`;
}

export function memoryText(bytes: number): string {
  return `${Math.floor(bytes / 1_048_576)}Mi`;
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '<unknown>' : `${Math.floor((100 * part) / whole)}%`;
}

function sortRows(rows: readonly Row[], sortBy: string | undefined): readonly Row[] {
  if (sortBy === undefined) return rows.toSorted((left, right) => left.cells.join(' ').localeCompare(right.cells.join(' ')));
  if (sortBy !== 'cpu' && sortBy !== 'memory') throw new CliError(`--sort-by=${sortBy}: must be cpu or memory`, 2);
  return rows.toSorted((left, right) => right[sortBy] - left[sortBy]);
}

function table(headers: readonly string[], rows: readonly Row[], withHeaders: boolean): string {
  const cells = rows.map((row) => row.cells);
  return renderColumns(withHeaders ? [headers, ...cells] : cells);
}
