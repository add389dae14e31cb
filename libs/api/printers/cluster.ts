/** Tables of the cluster itself: nodes, namespaces, leases, events, configuration, operations. */
import type { Instant } from '../../kit/index.js';
import type {
  ConfigMap,
  CoreV1Event,
  EventsV1Event,
  Lease,
  Namespace,
  Node,
  Operation,
  PodDisruptionBudget,
  PriorityClass,
  ResourceQuota,
  RuntimeClass,
  Secret,
  ServiceAccount,
} from '../generated/types.js';
import { ageOf, humanDuration } from './human-duration.js';
import { age, ageColumn, flag, integer, nameColumn, nameOf, orNone, printer, text, wide, type Printer } from './printer.js';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE_LABEL = 'kubernetes.io/role';

function nodeStatus(node: Node): string {
  const ready = (node.status?.conditions ?? []).find(({ type }) => type === 'Ready');
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${word},SchedulingDisabled` : word;
}

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === ROLE_LABEL) roles.add(value);
  }
  roles.delete('');
  return orNone([...roles].toSorted((a, b) => (a < b ? -1 : 1)).join(','));
}

function nodeAddress(node: Node, type: string): string {
  return orNone((node.status?.addresses ?? []).find((address) => address.type === type)?.address);
}

function orUnknown(value: string | undefined): string {
  return value === undefined || value === '' ? '<unknown>' : value;
}

export const nodePrinter = printer<Node>({
  columns: [
    nameColumn,
    text('Status', 'The status of the node'),
    text('Roles', 'The roles of the node'),
    ageColumn,
    text('Version', 'Version of the agent on the node.'),
    wide(text('Internal-IP', 'Address of the node within the cluster.')),
    wide(text('External-IP', 'Address of the node outside of the cluster.')),
    wide(text('OS-Image', 'Operating system of the node.')),
    wide(text('Kernel-Version', 'Kernel of the node.')),
    wide(text('Container-Runtime', 'What runs containers on the node.')),
  ],
  cells: (node, now) => {
    const info = node.status?.nodeInfo;
    return [
      nameOf(node),
      nodeStatus(node),
      nodeRoles(node),
      age(node, now),
      info?.kubeletVersion ?? '',
      nodeAddress(node, 'InternalIP'),
      nodeAddress(node, 'ExternalIP'),
      orUnknown(info?.osImage),
      orUnknown(info?.kernelVersion),
      orUnknown(info?.containerRuntimeVersion),
    ];
  },
});

export const namespacePrinter = printer<Namespace>({
  columns: [nameColumn, text('Status', 'The status of the namespace'), ageColumn],
  cells: (namespace, now) => [nameOf(namespace), namespace.status?.phase ?? '', age(namespace, now)],
});

function size(map: Readonly<Record<string, unknown>> | undefined): number {
  return Object.keys(map ?? {}).length;
}

export const configMapPrinter = printer<ConfigMap>({
  columns: [nameColumn, text('Data', 'How many keys it has.'), ageColumn],
  cells: (map, now) => [nameOf(map), size(map.data) + size(map.binaryData), age(map, now)],
});

export const secretPrinter = printer<Secret>({
  columns: [nameColumn, text('Type', 'What the secret is for.'), text('Data', 'How many keys it has.'), ageColumn],
  cells: (secret, now) => [nameOf(secret), secret.type ?? '', size(secret.data), age(secret, now)],
});

export const serviceAccountPrinter = printer<ServiceAccount>({
  columns: [nameColumn, text('Secrets', 'How many secrets it names.'), ageColumn],
  cells: (account, now) => [nameOf(account), (account.secrets ?? []).length, age(account, now)],
});

/** Time since an event; events of the newer form have only their event time. */
function eventAge(time: string | undefined, event: CoreV1Event, now: Instant): string {
  return ageOf(time ?? event.eventTime, now);
}

function eventObject(event: CoreV1Event): string {
  const { kind = '', name = '' } = event.involvedObject ?? {};
  return name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

function eventSource(event: CoreV1Event): string {
  const component = event.source?.component ?? event.reportingComponent ?? '';
  const host = event.source?.host ?? event.reportingInstance ?? '';
  return host === '' ? component : `${component}, ${host}`;
}

export const eventPrinter = printer<CoreV1Event>({
  columns: [
    text('Last Seen', 'Time since it last happened.'),
    text('Type', 'Normal or Warning.'),
    text('Reason', 'Why it happened, in one word.'),
    text('Object', 'What it happened to.'),
    wide(text('Subobject', 'Which part of the object.')),
    wide(text('Source', 'Who reports it.')),
    text('Message', 'What happened.'),
    wide(text('First Seen', 'Time since it first happened.')),
    wide(text('Count', 'How often it happened.')),
    wide({ ...nameColumn }),
  ],
  cells: (event, now) => [
    eventAge(event.series?.lastObservedTime ?? event.lastTimestamp, event, now),
    event.type ?? '',
    event.reason ?? '',
    eventObject(event),
    event.involvedObject?.fieldPath ?? '',
    eventSource(event),
    (event.message ?? '').trim(),
    eventAge(event.firstTimestamp, event, now),
    event.series?.count ?? event.count ?? 1,
    nameOf(event),
  ],
});

/** Events of the newer group under the names of the older: one store keeps both. */
function asCoreEvent(event: EventsV1Event): CoreV1Event {
  const { regarding, note, deprecatedCount, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedSource, ...rest } = event;
  return {
    ...rest,
    metadata: event.metadata ?? {},
    involvedObject: regarding ?? {},
    message: note,
    count: deprecatedCount,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    source: deprecatedSource,
    reportingComponent: event.reportingController,
  };
}

export const newerEventPrinter: Printer = printer<EventsV1Event>({
  columns: eventPrinter.columns,
  cells: (event, now) => eventPrinter.cells(asCoreEvent(event), now),
});

export const leasePrinter = printer<Lease>({
  columns: [nameColumn, text('Holder', 'Who holds the lease.'), ageColumn],
  cells: (lease, now) => [nameOf(lease), lease.spec?.holderIdentity ?? '', age(lease, now)],
});

export const priorityClassPrinter = printer<PriorityClass>({
  columns: [
    nameColumn,
    integer('Value', 'Pods of a higher value go first.'),
    flag('Global-Default', 'Whether pods without a class have this one.'),
    ageColumn,
    text('PreemptionPolicy', 'Whether its pods may displace others.'),
  ],
  cells: (object, now) => [
    nameOf(object),
    object.value ?? 0,
    object.globalDefault ?? false,
    age(object, now),
    orNone(object.preemptionPolicy),
  ],
});

export const podDisruptionBudgetPrinter = printer<PodDisruptionBudget>({
  columns: [
    nameColumn,
    text('Min Available', 'The minimum number of pods that must be available.'),
    text('Max Unavailable', 'The maximum number of pods that may be unavailable.'),
    integer('Allowed Disruptions', 'Calculated number of pods that may be disrupted at this time.'),
    ageColumn,
  ],
  cells: (budget, now) => [
    nameOf(budget),
    `${budget.spec?.minAvailable ?? 'N/A'}`,
    `${budget.spec?.maxUnavailable ?? 'N/A'}`,
    budget.status?.disruptionsAllowed ?? 0,
    age(budget, now),
  ],
});

function quotaText(quota: ResourceQuota, which: (name: string) => boolean): string {
  const hard = Object.entries(quota.status?.hard ?? {}).filter(([name]) => which(name));
  const used = quota.status?.used ?? {};
  return hard
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, amount]) => `${name}: ${used[name] ?? '0'}/${amount}`)
    .join(', ');
}

export const resourceQuotaPrinter = printer<ResourceQuota>({
  columns: [
    nameColumn,
    text('Request', 'Request represents a minimum amount of cpu/memory that a container may consume.'),
    text('Limit', 'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.'),
    ageColumn,
  ],
  cells: (quota, now) => [
    nameOf(quota),
    quotaText(quota, (name) => !name.startsWith('limits')),
    quotaText(quota, (name) => name.startsWith('limits')),
    age(quota, now),
  ],
});

export const runtimeClassPrinter = printer<RuntimeClass>({
  columns: [nameColumn, text('Handler', 'How its containers are run.'), ageColumn],
  cells: (object, now) => [nameOf(object), object.handler, age(object, now)],
});

function operationDuration(operation: Operation, now: Instant): string {
  const start = operation.status?.startTime;
  if (start === undefined) return '';
  const end = operation.status?.completionTime;
  return end === undefined ? ageOf(start, now) : humanDuration(Date.parse(end) - Date.parse(start));
}

export const operationPrinter = printer<Operation>({
  columns: [
    nameColumn,
    text('Type', 'What is done.'),
    text('Phase', 'Pending, Running, Succeeded, Failed or Cancelled.'),
    text('Progress', 'How much of it is done.'),
    text('Duration', 'How long it has taken.'),
    ageColumn,
    wide(text('Message', 'What happens now, or why it failed.')),
  ],
  cells: (operation, now) => [
    nameOf(operation),
    operation.spec?.type ?? '',
    operation.status?.phase ?? 'Pending',
    `${operation.status?.progress ?? 0}%`,
    operationDuration(operation, now),
    age(operation, now),
    operation.status?.message ?? '',
  ],
});
