/** In-place resize: what a running container has, what it should have, and whether that needs a restart (Kubernetes docs, "Resize CPU and Memory Resources"). */
import { quantityMillis } from '../../api/light.js';
import type { Container, Pod, PodCondition } from '../../api/index.js';
import type { ContainerFacts, PodView } from './pod-facts.js';
import { isRunning } from './pod-facts.js';
import type { NodeCapacity } from './references.js';

const RESIZABLE = ['cpu', 'memory'] as const;
type Resources = Container['resources'];

/** `unknown`: an earlier agent started it; bringing it to its description again does no harm. */
export function resizeOf(container: ContainerFacts): 'none' | 'unknown' | 'in-place' | 'restart' {
  const { applied, spec, kind } = container;
  if (!isRunning(container) || (kind !== 'regular' && kind !== 'sidecar')) return 'none';
  const changed = RESIZABLE.filter((name) => amountsOf(applied, name) !== amountsOf(spec.resources, name));
  if (changed.length === 0) return 'none';
  if (applied === undefined) return 'unknown';
  const needsRestart = spec.resizePolicy?.some(
    ({ resourceName, restartPolicy }) => restartPolicy === 'RestartContainer' && changed.some((name) => name === resourceName),
  );
  return needsRestart === true ? 'restart' : 'in-place';
}

function amountsOf(resources: Resources, name: string): string {
  const millis = (quantity: string | undefined): number | undefined => (quantity === undefined ? undefined : quantityMillis(quantity));
  return `${millis(resources?.requests?.[name])}/${millis(resources?.limits?.[name])}`;
}

/** Why the node could never give the pod what it asks for. */
export function infeasible(pod: Pod, capacity: NodeCapacity): string | undefined {
  const total = (name: string): number =>
    (pod.spec?.containers ?? []).reduce((sum, { resources }) => sum + quantityMillis(resources?.requests?.[name] ?? '0'), 0);
  const cpu = total('cpu');
  if (cpu > capacity.cpuMillis) return `Node didn't have enough capacity: cpu, requested: ${cpu}, capacity: ${capacity.cpuMillis}`;
  const memory = total('memory') / 1000;
  if (memory > capacity.memoryBytes) {
    return `Node didn't have enough capacity: memory, requested: ${memory}, capacity: ${capacity.memoryBytes}`;
  }
  return undefined;
}

type ResizeCondition = Pick<PodCondition, 'type' | 'reason' | 'message'>;

/** What `kubectl get -o yaml` shows while a resize is not in effect. */
export function resizeConditions(view: PodView): readonly ResizeCondition[] {
  const resizing = view.containers.filter((container) => resizeOf(container) === 'in-place' || resizeOf(container) === 'restart');
  if (resizing.length === 0) return [];
  const pending = resizing.find(({ resize }) => resize?.infeasible !== undefined);
  if (pending !== undefined) return [{ type: 'PodResizePending', reason: 'Infeasible', message: pending.resize?.infeasible }];
  const failed = resizing.find(({ resize }) => resize?.error !== undefined);
  if (failed === undefined) return [{ type: 'PodResizeInProgress' }];
  return [{ type: 'PodResizeInProgress', reason: 'Error', message: failed.resize?.error }];
}
