/** What a job's policies make of its pods (Kubernetes docs, Job: "Pod failure policy", "Backoff limit per index", "Success policy"). */
import type { PodFailurePolicyRule, ContainerStatus, SuccessPolicyRule } from '../../api/index.js';
import type { StoredPod } from '../workload/pod-facts.js';
import type { StoredJob } from './reconcile.js';
import { indexOf, parseIndexes } from './indexed.js';

/** What one failed pod means for the job; without a matching rule it counts. */
export type FailureAction = 'FailJob' | 'Ignore' | 'Count' | 'FailIndex';

export interface FailureVerdict {
  readonly action: FailureAction;
  /** Which rule said so, in Kubernetes' words. */
  readonly message: string;
}

export function failureVerdict(job: StoredJob, pod: StoredPod): FailureVerdict {
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const cause = matchingCause(rule, pod);
    if (cause === undefined) continue;
    const { name, namespace = '' } = pod.metadata;
    const action = actionOf(rule.action);
    return { action, message: `${cause(`${namespace}/${name}`)} matching ${rule.action} rule at index ${index}` };
  }
  return { action: 'Count', message: '' };
}

function actionOf(text: string): FailureAction {
  return text === 'FailJob' || text === 'Ignore' || text === 'FailIndex' ? text : 'Count';
}

type Cause = (pod: string) => string;

function matchingCause(rule: PodFailurePolicyRule, pod: StoredPod): Cause | undefined {
  const { onExitCodes, onPodConditions } = rule;
  if (onExitCodes !== undefined && onExitCodes !== null) {
    const { containerName, operator, values } = onExitCodes;
    const matches = (status: ContainerStatus): boolean => {
      const code = status.state?.terminated?.exitCode;
      if (code === undefined || code === 0 || (containerName !== undefined && status.name !== containerName)) return false;
      return values.includes(code) === (operator === 'In');
    };
    const found = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(matches);
    const code = found?.state?.terminated?.exitCode;
    return found === undefined ? undefined : (name) => `Container ${found.name} for pod ${name} failed with exit code ${code}`;
  }
  const condition = pod.status?.conditions?.find(({ type, status }) =>
    onPodConditions?.some((wanted) => wanted.type === type && (wanted.status ?? 'True') === status),
  );
  return condition === undefined ? undefined : (name) => `Pod ${name} has condition ${condition.type}`;
}

/** Indexes that have failed for good: more often than `backoffLimitPerIndex`, or by a FailIndex rule. Once failed they stay so. */
export function failedIndexes(job: StoredJob, counted: readonly StoredPod[]): ReadonlySet<number> {
  const limit = job.spec?.backoffLimitPerIndex;
  if (limit === undefined) return new Set();
  const failed = new Set(parseIndexes(job.status?.failedIndexes ?? ''));
  const failures = new Map<number, number>();
  for (const pod of counted) {
    const index = indexOf(pod);
    if (index === undefined) continue;
    failures.set(index, (failures.get(index) ?? 0) + 1);
    if ((failures.get(index) ?? 0) > limit || failureVerdict(job, pod).action === 'FailIndex') failed.add(index);
  }
  return failed;
}

/** The first rule of the success policy that the succeeded indexes meet. */
export function metSuccessRule(job: StoredJob, succeeded: ReadonlySet<number>): number | undefined {
  const rules = job.spec?.successPolicy?.rules ?? [];
  const met = rules.findIndex((rule) => isMet(rule, succeeded));
  return met < 0 ? undefined : met;
}

function isMet({ succeededIndexes, succeededCount }: SuccessPolicyRule, succeeded: ReadonlySet<number>): boolean {
  const asked = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes);
  const count = asked === undefined ? succeeded.size : asked.filter((index) => succeeded.has(index)).length;
  return count >= (succeededCount ?? asked?.length ?? Number.POSITIVE_INFINITY);
}
