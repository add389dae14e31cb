/** The table of pods, with the one word for the state of all its containers. */
import { parseTime, type Instant } from '../../kit/index.js';
import type { Container, ContainerStateTerminated, ContainerStatus, Pod } from '../generated/types.js';
import { humanDuration } from './human-duration.js';
import { age, ageColumn, nameColumn, nameOf, orNone, printer, text, wide, type RowCondition } from './printer.js';

const columns = [
  nameColumn,
  text('Ready', 'The aggregate readiness state of this pod for accepting traffic.'),
  text('Status', 'The aggregate status of the containers in this pod.'),
  text(
    'Restarts',
    'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
  ),
  ageColumn,
  wide(text('IP', 'Address of the pod, reachable within the cluster.')),
  wide(text('Node', 'The node on which the pod runs.')),
  wide(text('Nominated Node', 'The node that the pod will take once others have left it.')),
  wide(text('Readiness Gates', 'How many further conditions for readiness hold.')),
];

interface Restarts {
  count: number;
  last: number;
}

/** What the containers say together. `reason` is the Status column. */
interface Summary {
  reason: string;
  ready: number;
  restarts: Restarts;
}

function addRestarts(restarts: Restarts, status: ContainerStatus): void {
  restarts.count += status.restartCount;
  restarts.last = Math.max(restarts.last, parseTime(status.lastState?.terminated?.finishedAt) ?? 0);
}

function isSidecar(container: Container | undefined): boolean {
  return container?.restartPolicy === 'Always';
}

/** `OOMKilled`, or the exit in numbers where the runtime gave no reason. */
function exitReason(terminated: ContainerStateTerminated): string {
  if ((terminated.reason ?? '') !== '') return terminated.reason ?? '';
  return (terminated.signal ?? 0) !== 0 ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

/** What an init container that is not through makes of the pod's status; `undefined` when it is through. */
function initReason(status: ContainerStatus, position: string): string | undefined {
  const { terminated, waiting } = status.state ?? {};
  if (terminated !== undefined) return terminated.exitCode === 0 ? undefined : `Init:${exitReason(terminated)}`;
  const reason = waiting?.reason ?? '';
  return reason !== '' && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${position}`;
}

/** Walks the init containers until the first that is not through. Returns whether there is one. */
function summariseInit(pod: Pod, summary: Summary, sidecars: Restarts): boolean {
  const specs = new Map((pod.spec?.initContainers ?? []).map((container) => [container.name, container]));
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(specs.get(status.name));
    addRestarts(summary.restarts, status);
    if (sidecar) addRestarts(sidecars, status);
    const exited = status.state?.terminated?.exitCode === 0;
    if (!exited && sidecar && status.started === true) {
      if (status.ready) summary.ready += 1;
      continue;
    }
    const reason = initReason(status, `${index}/${specs.size}`);
    if (reason === undefined) continue;
    summary.reason = reason;
    return true;
  }
  return false;
}

/** The containers themselves, from the last to the first, so that the first one has the last word. */
function summariseContainers(pod: Pod, summary: Summary): void {
  let running = false;
  for (const status of (pod.status?.containerStatuses ?? []).toReversed()) {
    addRestarts(summary.restarts, status);
    const { waiting, terminated } = status.state ?? {};
    if ((waiting?.reason ?? '') !== '') summary.reason = waiting?.reason ?? '';
    else if (terminated !== undefined) summary.reason = exitReason(terminated);
    else if (status.ready && status.state?.running !== undefined) {
      running = true;
      summary.ready += 1;
    }
  }
  // Some ended well and some still run: the pod runs.
  if (summary.reason === 'Completed' && running) summary.reason = isTrue(pod, 'Ready') ? 'Running' : 'NotReady';
}

function isTrue(pod: Pod, type: string): boolean {
  return (pod.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
}

function summarise(pod: Pod): Summary {
  const { phase = '', reason = '', conditions = [] } = pod.status ?? {};
  const summary: Summary = { reason: reason === '' ? phase : reason, ready: 0, restarts: { count: 0, last: 0 } };
  if (conditions.some((condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated')) {
    summary.reason = 'SchedulingGated';
  }
  const sidecars: Restarts = { count: 0, last: 0 };
  const initializing = summariseInit(pod, summary, sidecars);
  if (!initializing || isTrue(pod, 'Initialized')) {
    summary.restarts = sidecars; // restarts of finished init containers are history
    summariseContainers(pod, summary);
  }
  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (reason === 'NodeLost') summary.reason = 'Unknown';
    else if (phase !== 'Succeeded' && phase !== 'Failed') summary.reason = 'Terminating';
  }
  return summary;
}

/** `2 (5m ago)`. */
function restartText({ count, last }: Restarts, now: Instant): string {
  return count > 0 && last > 0 ? `${count} (${humanDuration(now - last)} ago)` : `${count}`;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${gates.filter((gate) => isTrue(pod, gate.conditionType)).length}/${gates.length}`;
}

function conditionsOf(pod: Pod): readonly RowCondition[] {
  const completed = { type: 'Completed', status: 'True' } as const;
  const phase = pod.status?.phase;
  if (phase === 'Succeeded') return [{ ...completed, reason: 'Succeeded', message: 'The pod has completed successfully.' }];
  return phase === 'Failed' ? [{ ...completed, reason: 'Failed', message: 'The pod failed.' }] : [];
}

/** The word in the Status column: `Running`, `CrashLoopBackOff`, `Init:0/1`, `Terminating`, ... */
export function podStatusText(pod: Pod): string {
  return summarise(pod).reason;
}

export const podPrinter = printer<Pod>({
  columns,
  cells: (pod, now) => {
    const summary = summarise(pod);
    const containers = (pod.spec?.containers ?? []).length + (pod.spec?.initContainers ?? []).filter(isSidecar).length;
    return [
      nameOf(pod),
      `${summary.ready}/${containers}`,
      summary.reason,
      restartText(summary.restarts, now),
      age(pod, now),
      orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP),
      orNone(pod.spec?.nodeName),
      orNone(pod.status?.nominatedNodeName),
      readinessGates(pod),
    ];
  },
  conditions: conditionsOf,
});
