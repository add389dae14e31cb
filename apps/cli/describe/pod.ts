/** berth describe pod. */
import type { ContainerStatus, Pod } from '../../../libs/api/index.js';
import { podStatusText } from '../client/api-words.js';
import type { EventJson } from '../client/events.js';
import { compilePath, textOf } from '../output/json-path.js';
import { Indented } from '../output/indented.js';
import { longTime } from '../output/time.js';
import { age } from '../output/time.js';
import { annotationLines, describeContainer, describeEvents, mapLines, tolerationText } from './parts.js';
import { describeVolumes } from './volumes.js';

export function describePod(pod: Pod, events: readonly EventJson[]): string {
  const out = new Indented();
  const { metadata, spec, status } = pod;
  out.field(0, 'Name', metadata?.name ?? '');
  out.field(0, 'Namespace', metadata?.namespace ?? '');
  out.field(0, 'Priority', String(spec?.priority ?? 0));
  if (spec?.priorityClassName !== undefined) out.field(0, 'Priority Class Name', spec.priorityClassName);
  out.field(0, 'Service Account', spec?.serviceAccountName ?? '');
  out.field(0, 'Node', spec?.nodeName === undefined ? '<none>' : `${spec.nodeName}/${status?.hostIP ?? ''}`);
  if (status?.startTime !== undefined) out.field(0, 'Start Time', longTime(status.startTime));
  out.field(0, 'Labels', mapLines(metadata?.labels));
  out.field(0, 'Annotations', annotationLines(metadata?.annotations));
  describeStatus(out, pod);
  out.field(0, 'IP', status?.podIP ?? '');
  describeIps(out, pod);
  const fieldValue = (path: string): string => compilePath(`.${path}`)(pod).map(textOf).join(',');
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner !== undefined) out.field(0, 'Controlled By', `${owner.kind}/${owner.name}`);
  if ((spec?.initContainers ?? []).length > 0)
    containers(out, 'Init Containers', { specs: spec?.initContainers, statuses: status?.initContainerStatuses, fieldValue });
  containers(out, 'Containers', { specs: spec?.containers, statuses: status?.containerStatuses, fieldValue });
  describeConditions(out, pod);
  describeVolumes(out, spec?.volumes, 0);
  out.field(0, 'QoS Class', status?.qosClass ?? '');
  out.field(0, 'Node-Selectors', mapLines(spec?.nodeSelector));
  out.field(0, 'Tolerations', (spec?.tolerations ?? []).map(tolerationText));
  describeEvents(out, events);
  return out.text();
}

function describeStatus(out: Indented, pod: Pod): void {
  const { metadata, status } = pod;
  if (metadata?.deletionTimestamp === undefined) out.field(0, 'Status', podStatusText(pod));
  else {
    out.field(0, 'Status', `Terminating (lasts ${age(metadata.deletionTimestamp)})`);
    out.field(0, 'Termination Grace Period', `${metadata.deletionGracePeriodSeconds ?? 0}s`);
  }
  if (status?.reason !== undefined) out.field(0, 'Reason', status.reason);
  if (status?.message !== undefined) out.field(0, 'Message', status.message);
}

function describeIps(out: Indented, { status }: Pod): void {
  const addresses = status?.podIPs ?? [];
  if (addresses.length === 0) return out.field(0, 'IPs', []);
  out.row(0, 'IPs:');
  for (const { ip } of addresses) out.field(1, 'IP', ip);
}

interface Both {
  readonly specs: NonNullable<Pod['spec']>['containers'] | undefined;
  readonly statuses: readonly ContainerStatus[] | undefined;
  readonly fieldValue: (path: string) => string;
}

function containers(out: Indented, title: string, { specs, statuses, fieldValue }: Both): void {
  out.row(0, `${title}:`);
  for (const container of specs ?? []) {
    const status = statuses?.find(({ name }) => name === container.name);
    out.row(1, `${container.name}:`);
    if (status?.containerID !== undefined) out.field(2, 'Container ID', status.containerID);
    out.field(2, 'Image', container.image ?? '');
    if (status?.imageID !== undefined) out.field(2, 'Image ID', status.imageID);
    describeContainer(out, container, 2, { state: () => status !== undefined && describeState(out, status), fieldValue });
  }
}

function describeState(out: Indented, status: ContainerStatus): void {
  stateFields(out, 'State', status.state);
  if (Object.keys(status.lastState ?? {}).length > 0) stateFields(out, 'Last State', status.lastState);
  out.field(2, 'Ready', status.ready ? 'True' : 'False');
  out.field(2, 'Restart Count', String(status.restartCount));
}

function stateFields(out: Indented, title: string, state: ContainerStatus['state']): void {
  if (state?.running !== undefined) {
    out.field(2, title, 'Running');
    out.field(3, 'Started', longTime(state.running.startedAt));
  } else if (state?.terminated !== undefined) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
    out.field(2, title, 'Terminated');
    if (reason !== undefined) out.field(3, 'Reason', reason);
    if (message !== undefined) out.field(3, 'Message', message);
    out.field(3, 'Exit Code', String(exitCode));
    if (signal !== undefined && signal > 0) out.field(3, 'Signal', String(signal));
    out.field(3, 'Started', longTime(startedAt));
    out.field(3, 'Finished', longTime(finishedAt));
  } else {
    out.field(2, title, 'Waiting');
    if (state?.waiting?.reason !== undefined) out.field(3, 'Reason', state.waiting.reason);
    if (state?.waiting?.message !== undefined) out.field(3, 'Message', state.waiting.message);
  }
}

function describeConditions(out: Indented, { status }: Pod): void {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return;
  out.row(0, 'Conditions:');
  out.row(1, 'Type', 'Status');
  for (const { type, status: value } of conditions) out.row(1, type, value);
}
