/** Which workloads are not ready, and the most telling reason that their pods give. Pure. */
import type { Pod } from '../../../libs/api/index.js';
import { podStatusText } from '../client/api-words.js';

export interface Workload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly wanted: number;
  readonly ready: number;
}

export interface Trouble extends Workload {
  readonly reason: string;
}

export interface OwnedObject {
  readonly metadata?:
    | {
        readonly uid?: string | undefined;
        readonly ownerReferences?: readonly { readonly uid: string; readonly controller?: boolean | undefined }[] | undefined;
      }
    | undefined;
}

export interface WorkloadView {
  readonly workloads: readonly Workload[];
  readonly pods: readonly Pod[];
  /** Between Deployments and their pods. */
  readonly replicaSets: readonly OwnedObject[];
}

/** Workloads with fewer ready pods than wanted, and pods of nobody that are not ready. */
export function findTroubles({ workloads, pods, replicaSets }: WorkloadView): readonly Trouble[] {
  const ownerOf = new Map(replicaSets.map((set) => [set.metadata?.uid ?? '', controllerOf(set)]));
  const rootOf = (pod: Pod): string | undefined => {
    const owner = controllerOf(pod);
    return owner === undefined ? undefined : (ownerOf.get(owner) ?? owner);
  };
  const owned = workloads
    .filter(({ wanted, ready }) => ready < wanted)
    .map((workload) => ({ ...workload, reason: reasonOf(pods.filter((pod) => rootOf(pod) === workload.uid)) }));
  const lone = pods.filter((pod) => controllerOf(pod) === undefined && !isFine(pod)).map(loneTrouble);
  return [...owned, ...lone].toSorted((left, right) => `${left.namespace}/${left.name}`.localeCompare(`${right.namespace}/${right.name}`));
}

function controllerOf({ metadata }: OwnedObject): string | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller === true)?.uid;
}

function isFine(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || isReady(pod);
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}

function loneTrouble(pod: Pod): Trouble {
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  return { kind: 'pod', namespace, name, uid, wanted: 1, ready: 0, reason: podReason(pod) };
}

/** Of several pods the worst tells; with how many say the same. */
function reasonOf(pods: readonly Pod[]): string {
  const unready = pods.filter((pod) => !isFine(pod));
  if (unready.length === 0) return pods.length === 0 ? 'no pods exist' : 'waiting for pods';
  const counts = new Map<string, number>();
  for (const pod of unready) counts.set(podReason(pod), (counts.get(podReason(pod)) ?? 0) + 1);
  const [worst] = [...counts].toSorted(
    ([left, leftCount], [right, rightCount]) => severity(right) - severity(left) || rightCount - leftCount,
  );
  if (worst === undefined) return '';
  const [reason, count] = worst;
  return count > 1 ? `${reason} (${count} pods)` : reason;
}

function severity(reason: string): number {
  if (/Error|BackOff|OOM|Fail|Evicted|Invalid/.test(reason)) return 3;
  return reason.startsWith('Pending') || reason.startsWith('Unschedulable') ? 2 : 1;
}

const REASON_WIDTH_MAX = 110;

/** `ImagePullBackOff: no such image ...`, `Unschedulable: 0/3 nodes are available: ...`. */
export function podReason(pod: Pod): string {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const waiting = statuses.find(({ state }) => state?.waiting?.message !== undefined && state.waiting.message !== '')?.state?.waiting;
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  const said =
    pod.spec?.nodeName === undefined && unscheduled !== undefined
      ? `${unscheduled.reason ?? 'Pending'}: ${unscheduled.message ?? ''}`
      : waiting === undefined
        ? podStatusText(pod)
        : `${waiting.reason ?? 'Waiting'}: ${waiting.message ?? ''}`;
  // What preemption could not do is for `berth describe`.
  const [line = ''] = said.split(/\n|\.? preemption: /);
  return line.length > REASON_WIDTH_MAX ? `${line.slice(0, REASON_WIDTH_MAX)}...` : line;
}
