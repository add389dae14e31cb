/** What may change in a pod that exists: images, the deadline, more tolerations, a shorter grace, gates that open. */
import type { Container, Pod, PodSpec, Toleration } from '../../generated/types.js';
import { isSame } from '../checks/values.js';
import type { Place } from '../place.js';

const FORBIDDEN_CHANGE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Reports what an update of a pod may not change, or one through `resize` or `ephemeralcontainers`. */
export function podUpdate(pod: Pod, old: Pod, at: Place, subresource?: string): void {
  const spec = pod.spec;
  const before = old.spec;
  if (spec === undefined || before === undefined) return;
  const place = at.field('spec');
  if (subresource === 'ephemeralcontainers') return ephemeralContainersUpdate(spec, before, place);
  if (!sameNumber(spec.containers, before.containers)) {
    place.field('containers').forbidden('pod updates may not add or remove containers');
    return;
  }
  if (!sameNumber(spec.initContainers, before.initContainers)) {
    place.field('initContainers').forbidden('pod updates may not add or remove containers');
    return;
  }
  deadline(spec, before, place.field('activeDeadlineSeconds'));
  addedTolerations(spec.tolerations ?? [], before.tolerations ?? [], place.field('tolerations'));
  if (subresource === 'resize') return resize(spec, before, place);
  const rest = withMutableFieldsOf(before, spec);
  if (!isSame(rest, before)) place.forbidden(`${FORBIDDEN_CHANGE}\n${difference(before, rest).join('\n')}`);
}

function sameNumber(a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean {
  return (a ?? []).length === (b ?? []).length;
}

const RESIZE_FORBIDDEN = 'only cpu and memory resources are mutable';

/** A resize changes amounts of CPU and memory, and nothing else; with them the pod keeps its quality of service. */
function resize(spec: PodSpec, before: PodSpec, at: Place): void {
  const withOldAmounts = (
    list: readonly Container[] | undefined,
    source: readonly Container[] | undefined,
  ): readonly Container[] | undefined =>
    list?.map((container, index) => ({ ...container, resources: source?.[index]?.resources, resizePolicy: source?.[index]?.resizePolicy }));
  const rest: PodSpec = {
    ...spec,
    containers: withOldAmounts(spec.containers, before.containers) ?? [],
    initContainers: withOldAmounts(spec.initContainers, before.initContainers),
    resources: before.resources,
  };
  if (!isSame(rest, before)) at.forbidden(`${RESIZE_FORBIDDEN}\n${difference(before, rest).join('\n')}`);
}

/** Ephemeral containers can only be added: what was looked at stays on record. */
function ephemeralContainersUpdate(spec: PodSpec, before: PodSpec, at: Place): void {
  const place = at.field('ephemeralContainers');
  const now = new Map((spec.ephemeralContainers ?? []).map((container, index) => [container.name, { container, index }]));
  for (const old of before.ephemeralContainers ?? []) {
    const found = now.get(old.name);
    if (found === undefined) place.forbidden(`existing ephemeral containers ${JSON.stringify(old.name)} may not be removed`);
    else if (!isSame(found.container, old)) {
      place.index(found.index).forbidden(`existing ephemeral container ${JSON.stringify(old.name)} may not be changed`);
    }
  }
  const rest: PodSpec = { ...spec, ephemeralContainers: before.ephemeralContainers };
  if (!isSame(rest, before)) at.forbidden(`${FORBIDDEN_CHANGE}\n${difference(before, rest).join('\n')}`);
}

/** A deadline can come and come nearer; it cannot move away. */
function deadline(spec: PodSpec, before: PodSpec, at: Place): void {
  const [seconds, old] = [spec.activeDeadlineSeconds, before.activeDeadlineSeconds];
  if (seconds === undefined) {
    if (old !== undefined) at.invalid(undefined, 'must not update from a positive integer to nil value');
  } else if (old !== undefined && seconds > old) at.invalid(seconds, 'must be less than or equal to previous value');
}

function addedTolerations(tolerations: readonly Toleration[], old: readonly Toleration[], at: Place): void {
  const key = ({ key: name, operator, value, effect }: Toleration): string => JSON.stringify([name, operator, value, effect]);
  const now = new Set(tolerations.map(key));
  if (!old.every((toleration) => now.has(key(toleration)))) {
    at.forbidden('existing toleration can not be modified except its tolerationSeconds');
  }
}

function withImagesOf(list: readonly Container[] | undefined, source: readonly Container[] | undefined): readonly Container[] | undefined {
  return list?.map((container, index) => ({ ...container, image: source?.[index]?.image }));
}

/** The new spec with the old values of all that may change: what still differs may not. */
function withMutableFieldsOf(old: PodSpec, spec: PodSpec): PodSpec {
  const graceMayShrink = (old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1;
  const gated = (old.schedulingGates ?? []).length > 0;
  const openedGates = (spec.schedulingGates ?? []).every((gate) => (old.schedulingGates ?? []).some(({ name }) => name === gate.name));
  return {
    ...spec,
    containers: withImagesOf(spec.containers, old.containers) ?? [],
    initContainers: withImagesOf(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    ...(graceMayShrink ? { terminationGracePeriodSeconds: old.terminationGracePeriodSeconds } : {}),
    ...(openedGates ? { schedulingGates: old.schedulingGates } : {}),
    ...(gated ? { nodeSelector: old.nodeSelector, affinity: old.affinity } : {}),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields that differ, each by its path, as a `-` and a `+` line. */
function difference(before: unknown, after: unknown, path = ''): readonly string[] {
  if (isSame(before, after)) return [];
  if (isFields(before) && isFields(after)) {
    const fields = Object.keys({ ...before, ...after });
    return fields.flatMap((field) => difference(before[field], after[field], path === '' ? field : `${path}.${field}`));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((item, index) => difference(item, after[index], `${path}[${index}]`));
  }
  return [`- ${path}: ${JSON.stringify(before) ?? '<unset>'}`, `+ ${path}: ${JSON.stringify(after) ?? '<unset>'}`];
}
