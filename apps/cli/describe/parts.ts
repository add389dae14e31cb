/** Parts that descriptions of several kinds share: metadata, maps, events, pod templates, volumes, tolerations. */
import type { Container, ObjectMeta, PodTemplateSpec, Toleration } from '../../../libs/api/index.js';
import { byLastSeen, eventSource, lastSeen, type EventJson } from '../client/events.js';
import type { Indented } from '../output/indented.js';
import { describeVolumes } from './volumes.js';

export function mapLines(map: Readonly<Record<string, string>> | undefined, separator = '='): readonly string[] {
  return Object.entries(map ?? {})
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}${separator}${value}`);
}

/** `a=1,b=2`. */
export function mapText(map: Readonly<Record<string, string>> | undefined): string {
  const lines = mapLines(map);
  return lines.length === 0 ? '<none>' : lines.join(',');
}

const hiddenAnnotations: ReadonlySet<string> = new Set(['kubectl.kubernetes.io/last-applied-configuration']);
const ANNOTATION_WIDTH_MAX = 140;

export function annotationLines(annotations: ObjectMeta['annotations']): readonly string[] {
  const shown = Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !hiddenAnnotations.has(key)));
  return mapLines(shown, ': ').map((line) => {
    const flat = line.replaceAll('\n', ' ');
    return flat.length > ANNOTATION_WIDTH_MAX ? `${flat.slice(0, ANNOTATION_WIDTH_MAX)}...` : flat;
  });
}

export function describeEvents(out: Indented, events: readonly EventJson[]): void {
  const rows = byLastSeen(events).map((event) => [
    event.type ?? '',
    event.reason ?? '',
    lastSeen(event),
    eventSource(event),
    (event.message ?? '').trim().replaceAll('\n', ' '),
  ]);
  if (rows.length === 0) return out.field(0, 'Events', []);
  out.row(0, 'Events:');
  out.row(1, 'Type', 'Reason', 'Age', 'From', 'Message');
  out.row(1, '----', '------', '----', '----', '-------');
  for (const row of rows) out.row(1, ...row);
}

/** Kubernetes' words for a toleration: `key=value:Effect op=Exists for 300s`. */
export function tolerationText({ key = '', operator, value = '', effect = '', tolerationSeconds }: Toleration): string {
  const name = `${key}${value === '' ? '' : `=${value}`}${effect === '' ? '' : `:${effect}`}`;
  const op = operator === 'Exists' && value === '' ? `${name === '' ? '' : ' '}op=Exists` : '';
  return `${name}${op}${tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`}`;
}

export function describePodTemplate(out: Indented, template: PodTemplateSpec | undefined, level = 0): void {
  out.row(level, 'Pod Template:');
  out.field(level + 1, 'Labels', mapLines(template?.metadata?.labels));
  const annotations = annotationLines(template?.metadata?.annotations);
  if (annotations.length > 0) out.field(level + 1, 'Annotations', annotations);
  const spec = template?.spec;
  if (spec?.serviceAccountName !== undefined) out.field(level + 1, 'Service Account', spec.serviceAccountName);
  if ((spec?.initContainers ?? []).length > 0) describeContainers(out, 'Init Containers', spec?.initContainers, level + 1);
  describeContainers(out, 'Containers', spec?.containers, level + 1);
  describeVolumes(out, spec?.volumes, level + 1);
  if (spec?.priorityClassName !== undefined) out.field(level + 1, 'Priority Class Name', spec.priorityClassName);
  out.field(level + 1, 'Node-Selectors', mapLines(spec?.nodeSelector));
  out.field(level + 1, 'Tolerations', (spec?.tolerations ?? []).map(tolerationText));
}

/** Of a template: without state. */
export function describeContainers(out: Indented, title: string, containers: readonly Container[] | undefined, level: number): void {
  out.row(level, `${title}:`);
  for (const container of containers ?? []) {
    out.row(level, ` ${container.name}:`);
    out.field(level + 1, 'Image', container.image ?? '');
    describeContainer(out, container, level + 1);
  }
}

/** What is only known of the containers of a pod. */
export interface PodSide {
  /** Writes the state, between image and limits. */
  readonly state: () => void;
  /** The value of a field reference such as `status.podIP`. */
  readonly fieldValue: (path: string) => string;
}

const templateSide: PodSide = { state: () => undefined, fieldValue: () => '' };

export function describeContainer(out: Indented, container: Container, level: number, pod = templateSide): void {
  const ports = container.ports ?? [];
  const named = (number: number, { protocol = 'TCP', name }: (typeof ports)[number]): string =>
    `${number}/${protocol}${name === undefined ? '' : ` (${name})`}`;
  out.field(level, portsTitle('Port', ports.length), joined(ports.map((port) => named(port.containerPort, port))));
  out.field(level, portsTitle('Host Port', ports.length), joined(ports.map((port) => named(port.hostPort ?? 0, port))));
  if (container.command !== undefined) list(out, 'Command', container.command, level);
  if (container.args !== undefined) list(out, 'Args', container.args, level);
  pod.state();
  amounts(out, 'Limits', container.resources?.limits, level);
  amounts(out, 'Requests', container.resources?.requests, level);
  for (const [name, probe] of [
    ['Liveness', container.livenessProbe],
    ['Readiness', container.readinessProbe],
    ['Startup', container.startupProbe],
  ] as const)
    if (probe !== undefined) out.field(level, name, probeText(probe));
  environment(out, container, { level, pod });
  const mounts = (container.volumeMounts ?? []).toSorted((left, right) => (left.mountPath < right.mountPath ? -1 : 1));
  if (mounts.length === 0) return out.field(level, 'Mounts', []);
  out.row(level, 'Mounts:');
  for (const { name, mountPath, readOnly, subPath } of mounts)
    out.row(
      level + 1,
      `${mountPath} from ${name} (${readOnly === true ? 'ro' : 'rw'}${subPath === undefined ? '' : `,path=${JSON.stringify(subPath)}`})`,
    );
}

function portsTitle(name: string, count: number): string {
  return count > 1 ? `${name}s` : name;
}

function joined(values: readonly string[]): string {
  return values.length === 0 ? '<none>' : values.join(', ');
}

function list(out: Indented, title: string, values: readonly string[], level: number): void {
  out.row(level, `${title}:`);
  for (const value of values) for (const line of value.split('\n')) out.row(level + 1, line);
}

function amounts(out: Indented, title: string, map: Readonly<Record<string, string>> | undefined, level: number): void {
  if (map === undefined || Object.keys(map).length === 0) return;
  out.row(level, `${title}:`);
  for (const line of mapLines(map, ':\t')) out.row(level + 1, line);
}

function environment(out: Indented, container: Container, { level, pod }: { readonly level: number; readonly pod: PodSide }): void {
  for (const source of container.envFrom ?? []) {
    const [kind, ref] = source.configMapRef === undefined ? ['Secret', source.secretRef] : ['ConfigMap', source.configMapRef];
    out.row(level, 'Environment Variables from:');
    out.row(level + 1, ref?.name ?? '', `${kind}\tOptional: ${ref?.optional === true}`);
  }
  const variables = container.env ?? [];
  if (variables.length === 0) return out.field(level, 'Environment', []);
  out.row(level, 'Environment:');
  for (const { name, value, valueFrom } of variables)
    out.row(level + 1, `${name}:`, valueFrom === undefined ? (value ?? '').replaceAll('\n', '\\n') : sourceText(valueFrom, pod));
}

type ValueSource = NonNullable<NonNullable<Container['env']>[number]['valueFrom']>;

function sourceText({ fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef }: ValueSource, pod: PodSide): string {
  if (fieldRef !== undefined) return `${pod.fieldValue(fieldRef.fieldPath)} (${fieldRef.apiVersion ?? 'v1'}:${fieldRef.fieldPath})`;
  if (resourceFieldRef !== undefined) return ` (${resourceFieldRef.resource})`;
  const [kind, ref] = configMapKeyRef === undefined ? ['secret', secretKeyRef] : ['config map', configMapKeyRef];
  return `<set to the key '${ref?.key ?? ''}' ${kind === 'secret' ? 'in secret' : 'of config map'} '${ref?.name ?? ''}'>\tOptional: ${ref?.optional === true}`;
}

type Probe = NonNullable<Container['livenessProbe']>;

function probeText(probe: Probe): string {
  const numbers = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 1}s period=${probe.periodSeconds ?? 10}s #success=${probe.successThreshold ?? 1} #failure=${probe.failureThreshold ?? 3}`;
  return `${probeTarget(probe)} ${numbers}`;
}

function probeTarget({ exec, httpGet, tcpSocket, grpc }: Probe): string {
  if (exec !== undefined) return `exec [${(exec.command ?? []).join(' ')}]`;
  if (httpGet !== undefined)
    return `http-get ${(httpGet.scheme ?? 'HTTP').toLowerCase()}://${httpGet.host ?? ''}:${httpGet.port}${httpGet.path ?? '/'}`;
  if (tcpSocket !== undefined) return `tcp-socket ${tcpSocket.host ?? ''}:${tcpSocket.port}`;
  return grpc === undefined ? 'unknown' : `grpc <pod>:${grpc.port} ${grpc.service ?? ''}`.trimEnd();
}
