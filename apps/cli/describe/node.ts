/** berth describe node. */
import type { Lease, Node, Pod } from '../../../libs/api/index.js';
import type { EventJson } from '../client/events.js';
import { Indented } from '../output/indented.js';
import { age, longTime } from '../output/time.js';
import { amounts, percent } from '../verbs/top.js';
import { annotationLines, describeEvents, mapLines } from './parts.js';

export interface NodeFacts {
  readonly node: Node;
  readonly lease: Lease | undefined;
  /** Those that have not ended. */
  readonly pods: readonly Pod[];
  readonly events: readonly EventJson[];
}

export function describeNode({ node, lease, pods, events }: NodeFacts): string {
  const out = new Indented();
  const { metadata, spec, status } = node;
  out.field(0, 'Name', metadata?.name ?? '');
  out.field(0, 'Roles', rolesOf(node));
  out.field(0, 'Labels', mapLines(metadata?.labels));
  out.field(0, 'Annotations', annotationLines(metadata?.annotations));
  out.field(0, 'CreationTimestamp', longTime(metadata?.creationTimestamp));
  out.field(
    0,
    'Taints',
    (spec?.taints ?? [])
      .toSorted((left, right) => `${left.effect}${left.key}`.localeCompare(`${right.effect}${right.key}`))
      .map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`),
  );
  out.field(0, 'Unschedulable', String(spec?.unschedulable === true));
  describeLease(out, lease);
  const rows = (status?.conditions ?? []).map((one) =>
    [one.type, one.status, longTime(one.lastHeartbeatTime), longTime(one.lastTransitionTime), one.reason ?? '', one.message ?? ''].map(
      (cell) => `${cell} `,
    ),
  );
  out.table(0, 'Conditions', ['Type', 'Status', 'LastHeartbeatTime', 'LastTransitionTime', 'Reason', 'Message'], rows);
  out.row(0, 'Addresses:');
  for (const { type, address } of status?.addresses ?? []) out.row(1, `${type}:`, address);
  capacities(out, 'Capacity', status?.capacity);
  capacities(out, 'Allocatable', status?.allocatable);
  describeSystem(out, node);
  if (spec?.podCIDR !== undefined) out.field(0, 'PodCIDR', spec.podCIDR);
  if (spec?.podCIDRs !== undefined) out.field(0, 'PodCIDRs', spec.podCIDRs.join(','));
  describePods(out, node, pods);
  describeEvents(out, events);
  return out.text();
}

function rolesOf({ metadata }: Node): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(metadata?.labels ?? {}).flatMap((label) => (label.startsWith(prefix) ? [label.slice(prefix.length)] : []));
  return roles.length === 0 ? '<none>' : roles.toSorted().join(',');
}

function describeLease(out: Indented, lease: Lease | undefined): void {
  if (lease === undefined) return out.field(0, 'Lease', '<none>');
  out.row(0, 'Lease:');
  out.field(1, 'HolderIdentity', lease.spec?.holderIdentity ?? '<unset>');
  out.field(1, 'AcquireTime', longTime(lease.spec?.acquireTime));
  out.field(1, 'RenewTime', longTime(lease.spec?.renewTime));
}

function capacities(out: Indented, title: string, map: Readonly<Record<string, string>> | undefined): void {
  out.row(0, `${title}:`);
  for (const line of mapLines(map, ':\t')) out.row(1, line);
}

function describeSystem(out: Indented, { status }: Node): void {
  const info = status?.nodeInfo;
  out.row(0, 'System Info:');
  for (const [name, value] of [
    ['Machine ID', info?.machineID],
    ['System UUID', info?.systemUUID],
    ['Boot ID', info?.bootID],
    ['Kernel Version', info?.kernelVersion],
    ['OS Image', info?.osImage],
    ['Operating System', info?.operatingSystem],
    ['Architecture', info?.architecture],
    ['Container Runtime Version', info?.containerRuntimeVersion],
    ['Kubelet Version', info?.kubeletVersion],
  ] as const)
    out.field(1, name, value ?? '');
}

interface Sums {
  readonly cpu: number;
  readonly memory: number;
}

type Which = 'requests' | 'limits';

/** Init containers run one after another before the others, so the larger of both counts. */
function podSum({ spec }: Pod, which: Which): Sums {
  const each = (spec?.containers ?? []).map((container) => amounts(container.resources?.[which] ?? {}));
  const init = (spec?.initContainers ?? []).map((container) => amounts(container.resources?.[which] ?? {}));
  const total = (field: keyof Sums): number => each.reduce((sum, one) => sum + one[field], 0);
  const most = (field: keyof Sums): number => Math.max(0, ...init.map((one) => one[field]));
  return { cpu: Math.max(total('cpu'), most('cpu')), memory: Math.max(total('memory'), most('memory')) };
}

function describePods(out: Indented, { status }: Node, pods: readonly Pod[]): void {
  const all = amounts(status?.allocatable ?? {});
  const cpu = (millis: number): string => `${amountText(millis, 'm')} (${percent(millis, all.cpu)})`;
  const memory = (bytes: number): string => `${amountText(bytes / 1_048_576, 'Mi')} (${percent(bytes, all.memory)})`;
  const rows = pods.map((pod) => {
    const [requests, limits] = [podSum(pod, 'requests'), podSum(pod, 'limits')];
    const { namespace = '', name = '', creationTimestamp } = pod.metadata ?? {};
    return [namespace, name, cpu(requests.cpu), cpu(limits.cpu), memory(requests.memory), memory(limits.memory), age(creationTimestamp)];
  });
  const headers = ['Namespace', 'Name', 'CPU Requests', 'CPU Limits', 'Memory Requests', 'Memory Limits', 'Age'];
  out.row(0, 'Non-terminated Pods:', `(${pods.length} in total)`);
  out.row(1, ...headers);
  out.row(1, ...headers.map((header) => '-'.repeat(header.length)));
  for (const row of rows) out.row(1, ...row);
  const sum = (which: Which, field: keyof Sums): number => pods.reduce((total, pod) => total + podSum(pod, which)[field], 0);
  out.row(0, 'Allocated resources:');
  out.row(1, '(Total limits may be over 100 percent, i.e., overcommitted.)');
  out.row(1, 'Resource', 'Requests', 'Limits');
  out.row(1, '--------', '--------', '------');
  out.row(1, 'cpu', cpu(sum('requests', 'cpu')), cpu(sum('limits', 'cpu')));
  out.row(1, 'memory', memory(sum('requests', 'memory')), memory(sum('limits', 'memory')));
}

function amountText(value: number, unit: string): string {
  return value === 0 ? '0' : `${Math.round(value)}${unit}`;
}
