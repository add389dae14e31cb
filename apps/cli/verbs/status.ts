/** berth status: one screen about the cluster: what works, what does not, and why. */
import type { Command } from 'commander';
import type { Deployment, Node, Pod, StatefulSet, DaemonSet } from '../../../libs/api/index.js';
import { byLastSeen, lastSeen, lastSeenAt, type EventJson } from '../client/events.js';
import { getOrUndefined, listAll } from '../client/fetch.js';
import { listOperations } from '../client/operations.js';
import type { Session } from '../client/session.js';
import { defaultOptions } from '../cluster/layout.js';
import { CliError, exitCodes } from '../errors.js';
import { paint, type Io } from '../io.js';
import { renderColumns } from '../output/columns.js';
import { paintStatus } from '../output/status-colour.js';
import { age, durationText } from '../output/time.js';
import { consequence, parseHealth, type HealthLine } from '../status/health.js';
import { hostRows, type HostRow, type NodeUsage } from '../status/hosts.js';
import { isClusterOf, localDaemons, type DaemonRow } from '../status/local-daemons.js';
import { findTroubles, type OwnedObject, type Trouble, type Workload } from '../status/workloads.js';
import { examples, inSession, type Verb } from '../verb.js';
import { clientVersion } from '../version.js';

export const status: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('status')
      .summary('what works, what does not, and why')
      .description(
        'Shows the health of the control plane, the hosts, the workloads that are not ready with the reason, and running operations.\nExit code 0: the control plane is healthy; 1: it is not; 3: nothing answers.',
      )
      .option('--data-dir <folder>', 'of a cluster on this machine, for its daemons', defaultOptions.dataDir)
      .action(async (flags: { readonly dataDir: string }) => {
        let daemons = localDaemons(flags.dataDir);
        try {
          await inSession(program, io, async (session) => {
            if (!isClusterOf(flags.dataDir, session.client.connection)) daemons = undefined;
            await showCluster(session, io);
          });
        } finally {
          if (daemons !== undefined) io.out.write(daemonSection(io, daemons));
        }
      });
    examples(command, [
      ['Is everything well?', 'berth status'],
      ['Keep an eye on it', 'watch -c -n 2 berth status'],
    ]);
  },
};

async function showCluster(session: Session, io: Io): Promise<void> {
  const { client } = session;
  const [health, version] = await Promise.all([
    client.send('/readyz?verbose').then(({ text }) => parseHealth(text)),
    client.json<{ readonly gitVersion: string }>('/version'),
  ]);
  io.out.write(
    `${paint(io, 'bold', 'Cluster')}   ${client.connection.server.origin}   server ${version.gitVersion}   berth ${clientVersion}\n`,
  );
  io.out.write(healthSection(io, health));
  if (health.some(({ state }) => state === 'failed'))
    throw new CliError('the control plane is not ready', exitCodes.failed, 'Its log says why; running containers are not affected.');
  const view = await load(session);
  io.out.write(hostSection(io, view.hosts));
  io.out.write(troubleSection(io, view));
  io.out.write(operationSection(io, view.operations));
  io.out.write(warningSection(io, view.warnings));
}

interface ClusterView {
  readonly hosts: readonly HostRow[];
  readonly workloads: readonly Workload[];
  readonly podCount: number;
  readonly troubles: readonly Trouble[];
  readonly operations: Awaited<ReturnType<typeof listOperations>>['items'];
  readonly warnings: readonly EventJson[];
}

/** How far back warnings are of interest, and how many are shown. */
const WARNINGS_WITHIN_MS = 10 * 60_000;
const WARNINGS_SHOWN_MAX = 5;

async function load({ client, discovery }: Session): Promise<ClusterView> {
  const everywhere = async <T>(name: string, query = {}): Promise<readonly T[]> =>
    listAll<T>(client, await discovery.find(name), { namespace: undefined, query });
  const [nodes, pods, deployments, sets, daemonSets, replicaSets, usage, operations, warnings] = await Promise.all([
    everywhere<Node>('nodes'),
    everywhere<Pod>('pods'),
    everywhere<Deployment>('deployments.apps'),
    everywhere<StatefulSet>('statefulsets.apps'),
    everywhere<DaemonSet>('daemonsets.apps'),
    everywhere<OwnedObject>('replicasets.apps'),
    getOrUndefined<{ readonly items: readonly NodeUsage[] }>(client, '/apis/metrics.k8s.io/v1beta1/nodes'),
    listOperations(client),
    everywhere<EventJson>('events.v1', { fieldSelector: 'type=Warning' }),
  ]);
  const workloads = [
    ...deployments.map((one) => workload('deployment', one, { wanted: one.spec?.replicas ?? 1, ready: one.status?.readyReplicas ?? 0 })),
    ...sets.map((one) => workload('statefulset', one, { wanted: one.spec?.replicas ?? 1, ready: one.status?.readyReplicas ?? 0 })),
    ...daemonSets.map((one) =>
      workload('daemonset', one, { wanted: one.status?.desiredNumberScheduled ?? 0, ready: one.status?.numberReady ?? 0 }),
    ),
  ];
  return {
    hosts: hostRows(nodes, pods, usage?.items ?? []),
    workloads,
    podCount: pods.length,
    troubles: findTroubles({ workloads, pods, replicaSets }),
    operations: operations.items.filter(({ status: state }) => !['Succeeded', 'Failed', 'Cancelled'].includes(state?.phase ?? '')),
    warnings: byLastSeen(warnings).filter((event) => Date.now() - Date.parse(lastSeenAt(event)) < WARNINGS_WITHIN_MS),
  };
}

function workload(
  kind: string,
  { metadata }: Pick<Deployment, 'metadata'>,
  counts: { readonly wanted: number; readonly ready: number },
): Workload {
  return { kind, namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', uid: metadata?.uid ?? '', ...counts };
}

function healthSection(io: Io, health: readonly HealthLine[]): string {
  const marks = { ok: paint(io, 'green', 'ok'), degraded: paint(io, 'yellow', 'degraded'), failed: paint(io, 'red', 'failed') };
  const lines = health
    .filter(({ state }) => state !== 'ok')
    .map((line) => `  ${marks[line.state]} ${line.name}: ${line.problem}\n${consequence(line) === '' ? '' : `    ${consequence(line)}\n`}`);
  const fine = health.filter(({ state }) => state === 'ok').map(({ name }) => name);
  return `${section(io, 'Control plane')}  ${marks.ok} ${fine.join(', ')}\n${lines.join('')}`;
}

function hostSection(io: Io, hosts: readonly HostRow[]): string {
  const ready = hosts.filter((host) => host.ready).length;
  const title = section(io, `Hosts (${ready}/${hosts.length} Ready)`);
  if (hosts.length === 0) return `${title}  none; "berth token create" prints the line by which one joins\n`;
  const rows = hosts.map((host) => [
    `  ${host.name}`,
    host.status,
    `${host.pods}/${host.podsMax}`,
    usageText(host.cpu, host.cpuMax, 1_000, ''),
    usageText(host.memory, host.memoryMax, 1_073_741_824, 'Gi'),
    host.address,
    age(host.since),
  ]);
  const headers = ['  NAME', 'STATUS', 'PODS', 'CPU', 'MEMORY', 'ADDRESS', 'SINCE'];
  return title + renderColumns([headers, ...rows], (text, row, column) => (row > 0 && column === 1 ? paintStatus(io, text) : text));
}

/** `0.4/2 (20%)`; `-/2` where it is not measured. */
function usageText(used: number | undefined, all: number, unit: number, suffix: string): string {
  const number = (value: number): string => (value / unit).toFixed(1).replace(/\.0$/, '');
  if (used === undefined) return `-/${number(all)}${suffix}`;
  return `${(used / unit).toFixed(1)}/${number(all)}${suffix} (${all === 0 ? 0 : Math.round((100 * used) / all)}%)`;
}

function troubleSection(io: Io, { troubles, workloads, podCount }: ClusterView): string {
  const title = section(io, 'Workloads');
  if (troubles.length === 0) return `${title}  ${paint(io, 'green', 'ok')} ${workloads.length} ready, ${podCount} pods\n`;
  const rows = troubles.map(({ kind, namespace, name, ready, wanted, reason }) => [
    `  ${namespace}`,
    `${kind}/${name}`,
    `${ready}/${wanted}`,
    reason,
  ]);
  const text = renderColumns([['  NAMESPACE', 'NOT READY', 'READY', 'REASON'], ...rows], (cell, row, column) =>
    row > 0 && column === 3 ? paint(io, 'yellow', cell) : cell,
  );
  return `${title}${text}`;
}

function operationSection(io: Io, operations: ClusterView['operations']): string {
  if (operations.length === 0) return '';
  const rows = operations.map(({ metadata, spec, status: state }) => [
    `  ${metadata.name}`,
    spec.type,
    state?.phase ?? 'Pending',
    `${state?.progress ?? 0}%`,
    state?.message ?? '',
  ]);
  return section(io, 'Operations') + renderColumns([['  NAME', 'TYPE', 'PHASE', 'PROGRESS', 'MESSAGE'], ...rows]);
}

function warningSection(io: Io, warnings: readonly EventJson[]): string {
  if (warnings.length === 0) return '';
  const shown = warnings.slice(-WARNINGS_SHOWN_MAX);
  const rows = shown.map((event) => [
    `  ${lastSeen(event)}`,
    event.reason ?? '',
    `${event.involvedObject.namespace ?? ''}/${(event.involvedObject.kind ?? '').toLowerCase()}/${event.involvedObject.name ?? ''}`.replace(
      /^\//,
      '',
    ),
    shorten((event.message ?? '').split('\n')[0] ?? ''),
  ]);
  const more = warnings.length > shown.length ? `  ${warnings.length - shown.length} more: berth events -A --types=Warning\n` : '';
  return section(io, 'Warnings of the last 10 minutes') + renderColumns(rows) + more;
}

const MESSAGE_WIDTH_MAX = 100;

function shorten(text: string): string {
  return text.length > MESSAGE_WIDTH_MAX ? `${text.slice(0, MESSAGE_WIDTH_MAX)}...` : text;
}

function daemonSection(io: Io, daemons: readonly DaemonRow[]): string {
  const rows = daemons.map(({ name, pid, memoryBytes, uptimeMs }) =>
    pid === undefined
      ? [`  ${name}`, '-', 'not running', '']
      : [`  ${name}`, String(pid), `${Math.round(memoryBytes / 1_048_576)} MiB`, durationText(uptimeMs)],
  );
  const total = daemons.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const text = renderColumns([['  NAME', 'PID', 'MEMORY', 'UP'], ...rows], (cell, _row, column) =>
    column === 2 && cell === 'not running' ? paint(io, 'red', cell) : cell,
  );
  return `${section(io, `Daemons on this machine (${Math.round(total / 1_048_576)} MiB)`)}${text}`;
}

function section(io: Io, title: string): string {
  return `\n${paint(io, 'bold', title)}\n`;
}
