/** Job: runs pods until enough of them have succeeded, or too many have failed, or the time is over. */
import type { Job, JobCondition, JobStatus, KubeObject, Pod, PodTemplateSpec, Stored } from '../../api/index.js';
import { formatTime, parseTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import { controllerOf, resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, DecisionContext, ObjectAction, Plan } from '../../reconciling/index.js';
import { claim, keyOf, ownerKeys, splitKey } from '../workload/ownership.js';
import type { Claim } from '../workload/ownership.js';
import { isActive, isReady, isTerminating, restartsOf } from '../workload/pod-facts.js';
import type { StoredPod } from '../workload/pod-facts.js';
import { canonicalJson, podFromTemplate } from '../workload/pod-template.js';
import { formatIndexes, indexOf, parseIndexes, withIndex } from './indexed.js';
import { failedIndexes, failureVerdict, metSuccessRule } from './policies.js';

export type StoredJob = Stored<Job>;

/** A failed pod is replaced after this time, doubling with each failure up to the maximum. Kubernetes starts with 10 s. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_MAX_MS = 360_000;
const CREATES_PER_PLAN_MAX = 500;
/** `spec.managedBy` of jobs that are ours. */
const OWN_NAME = 'kubernetes.io/job-controller';

export const jobController: Controller = {
  name: 'job-controller',
  watches: [
    { resource: resources.jobs, keys: (job) => [keyOf(job)] },
    { resource: resources.pods, keys: (pod, previous) => ownerKeys('Job', pod, previous) },
  ],
  reconcile(view, key, context) {
    const { namespace, name } = splitKey(key);
    const job = view.get(resources.jobs, namespace, name);
    if (job?.spec === undefined || isTerminating(job) || isManagedElsewhere(job)) return { actions: [] };
    return reconcileJob(view, job, context);
  },
};

function isManagedElsewhere(job: StoredJob): boolean {
  return (job.spec?.managedBy ?? OWN_NAME) !== OWN_NAME;
}

interface JobView {
  readonly job: StoredJob;
  /** Adoptions and releases. */
  readonly ownership: readonly ObjectAction[];
  readonly active: readonly StoredPod[];
  readonly failed: readonly StoredPod[];
  readonly succeeded: readonly StoredPod[];
  /** Including those whose pods are gone. */
  readonly succeededCount: number;
  readonly failedCount: number;
  /** Of an Indexed job, including those whose pods are gone. */
  readonly succeededIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  readonly terminating: number;
  readonly context: DecisionContext;
}

/** Same view, same instant, same plan (names of new pods come from `context.ids`). */
export function reconcileJob(view: ClusterView, job: StoredJob, context: DecisionContext): Plan {
  const finishedAt = finishTime(job);
  if (finishedAt !== undefined) return afterwards(view, job, finishedAt, context.now);
  const seen = look(view, job, context);
  const verdict = judge(seen);
  if (verdict !== undefined) return finish(seen, verdict);
  if (job.spec?.suspend === true) return suspend(seen);
  const wait = retryWait(seen);
  const creates = wait === undefined ? createSteps(seen) : [];
  const deletes = surplusSteps(seen);
  const waits = [wait, deadlineIn(seen)].filter((each) => each !== undefined);
  return {
    actions: [...seen.ownership, ...deletes, ...creates, ...writeStatus(seen, statusOf(seen, resumed(seen)))],
    requeueAfterMs: waits.length === 0 ? undefined : Math.max(1, Math.min(...waits)),
  };
}

function look(view: ClusterView, job: StoredJob, context: DecisionContext): JobView {
  const { owned: pods, actions: ownership } = podsOf(view, job);
  const active = pods.filter(isActive);
  const failed = pods.filter((pod) => pod.status?.phase === 'Failed' && failureVerdict(job, pod).action !== 'Ignore');
  const succeeded = pods.filter((pod) => pod.status?.phase === 'Succeeded');
  const isIndexed = job.spec?.completionMode === 'Indexed';
  const indexes = new Set([
    ...parseIndexes(job.status?.completedIndexes ?? ''),
    ...succeeded.map(indexOf).filter((index) => index !== undefined),
  ]);
  return {
    job,
    ownership,
    active,
    failed,
    succeeded,
    succeededCount: isIndexed ? indexes.size : Math.max(succeeded.length, job.status?.succeeded ?? 0),
    failedCount: Math.max(failed.length, job.status?.failed ?? 0),
    succeededIndexes: indexes,
    failedIndexes: failedIndexes(job, failed),
    terminating: pods.filter((pod) => isTerminating(pod) && pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded').length,
    context,
  };
}

function podsOf(view: ClusterView, job: StoredJob): Claim<Pod> {
  const selector = job.spec?.selector;
  if (selector !== undefined) return claim(view, resources.pods, job, selector);
  return {
    owned: view.ownedOf(resources.pods, job.metadata.uid).filter((pod) => controllerOf(pod)?.uid === job.metadata.uid),
    actions: [],
  };
}

interface Verdict {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** First match wins. */
function judge(seen: JobView): Verdict | undefined {
  const { job, failedCount, succeededCount, active } = seen;
  const limit = job.spec?.backoffLimit ?? 6;
  const restarts = job.spec?.template.spec?.restartPolicy === 'OnFailure' ? active.reduce((sum, pod) => sum + restartsOf(pod), 0) : 0;
  const success = metSuccessRule(job, seen.succeededIndexes);
  if (success !== undefined) return { type: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${success}` };
  const fatal = seen.failed.map((pod) => failureVerdict(job, pod)).find(({ action }) => action === 'FailJob');
  if (fatal !== undefined) return { type: 'Failed', reason: 'PodFailurePolicy', message: fatal.message };
  // Restarts in place count as failures too.
  if (failedCount > limit || (restarts > 0 && restarts >= Math.max(1, limit))) {
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  if ((deadlineIn(seen) ?? 1) <= 0) {
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  const completions = job.spec?.completions;
  const byIndex = judgeIndexes(seen);
  if (byIndex !== undefined) return byIndex;
  const complete: Verdict = { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
  // Without a number of completions the first success ends the work queue, once all workers have ended.
  if (completions === undefined) return succeededCount > 0 && active.length === 0 ? complete : undefined;
  return succeededCount >= completions ? complete : undefined;
}

/** Failed indexes end the job when they are too many, or when nothing else is left to do. */
function judgeIndexes({ job, failedIndexes: failed, succeededCount }: JobView): Verdict | undefined {
  const { maxFailedIndexes, completions } = job.spec ?? {};
  if (maxFailedIndexes !== undefined && failed.size > maxFailedIndexes) {
    return {
      type: 'Failed',
      reason: 'MaxFailedIndexesExceeded',
      message: 'Job has exceeded the specified maximal number of failed indexes',
    };
  }
  if (failed.size === 0 || completions === undefined || failed.size + succeededCount < completions) return undefined;
  return { type: 'Failed', reason: 'FailedIndexes', message: 'Job has failed indexes' };
}

function deadlineIn({ job, context }: JobView): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  const start = parseTime(job.status?.startTime);
  return seconds === undefined || start === undefined || job.spec?.suspend === true ? undefined : start + seconds * 1000 - context.now;
}

/** The end: what still runs is deleted, and only then is the job called finished. */
function finish(seen: JobView, verdict: Verdict): Plan {
  const { job, active, context } = seen;
  const { now } = context;
  const target = verdict.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
  if (active.length > 0) {
    const decided = isDecided(job, target) ? [] : [condition({ ...verdict, type: target }, now)];
    return { actions: [...writeStatus(seen, statusOf(seen, decided)), ...active.map((pod) => deletion(job, pod))] };
  }
  const conditions = [target, verdict.type].filter((type) => !isDecided(job, type)).map((type) => condition({ ...verdict, type }, now));
  const completion = verdict.type === 'Complete' ? { completionTime: formatTime(now) } : {};
  const event: ObjectAction =
    verdict.type === 'Complete'
      ? { do: 'event', regarding: job, type: 'Normal', reason: 'Completed', message: 'Job completed' }
      : { do: 'event', regarding: job, type: 'Warning', reason: verdict.reason, message: verdict.message };
  return { actions: [...writeStatus(seen, { ...statusOf(seen, conditions), ...completion }), event] };
}

function isDecided(job: StoredJob, type: string): boolean {
  return job.status?.conditions?.some((each) => each.type === type && each.status === 'True') === true;
}

function condition(verdict: { readonly type: string; readonly reason: string; readonly message: string }, now: Instant): JobCondition {
  return { ...verdict, status: 'True', lastProbeTime: formatTime(now), lastTransitionTime: formatTime(now) };
}

function finishTime(job: StoredJob): Instant | undefined {
  const end = job.status?.conditions?.find((each) => (each.type === 'Complete' || each.type === 'Failed') && each.status === 'True');
  return end === undefined ? undefined : (parseTime(end.lastTransitionTime) ?? (0 as Instant));
}

/** A finished job starts nothing; with `ttlSecondsAfterFinished` it goes when its time has come. */
function afterwards(view: ClusterView, job: StoredJob, finishedAt: Instant, now: Instant): Plan {
  const running = view.ownedOf(resources.pods, job.metadata.uid).filter(isActive);
  if (running.length > 0) return { actions: running.map((pod) => deletion(job, pod)) };
  const ttl = job.spec?.ttlSecondsAfterFinished;
  if (ttl === undefined) return { actions: [] };
  const wait = finishedAt + ttl * 1000 - now;
  if (wait > 0) return { actions: [], requeueAfterMs: wait };
  const { namespace, name, uid } = job.metadata;
  return { actions: [{ do: 'delete', ref: { ...resources.jobs, namespace, name }, uid, propagation: 'Foreground' }] };
}

function suspend(seen: JobView): Plan {
  const { job, active, context } = seen;
  const conditions = condition({ type: 'Suspended', reason: 'JobSuspended', message: 'Job suspended' }, context.now);
  const isKnown = job.status?.conditions?.some((each) => each.type === 'Suspended' && each.status === 'True') === true;
  const { startTime: _, ...status } = statusOf(seen, isKnown ? [] : [conditions]);
  const event: ObjectAction = { do: 'event', regarding: job, type: 'Normal', reason: 'Suspended', message: 'Job suspended' };
  return { actions: [...active.map((pod) => deletion(job, pod)), ...writeStatus(seen, status), ...(isKnown ? [] : [event])] };
}

function resumed({ job, context }: JobView): readonly JobCondition[] {
  if (job.status?.conditions?.some((each) => each.type === 'Suspended' && each.status === 'True') !== true) return [];
  return [{ ...condition({ type: 'Suspended', reason: 'JobResumed', message: 'Job resumed' }, context.now), status: 'False' }];
}

/** Milliseconds until a failed pod may be replaced; undefined = now. */
function retryWait({ failed, failedCount, context }: JobView): number | undefined {
  const last = Math.max(0, ...failed.map((pod) => finishedAtOf(pod) ?? 0));
  if (last === 0) return undefined;
  const wait = last + Math.min(RETRY_FIRST_MS * 2 ** Math.max(0, failedCount - 1), RETRY_MAX_MS) - context.now;
  return wait > 0 ? wait : undefined;
}

function finishedAtOf(pod: StoredPod): number | undefined {
  const times = (pod.status?.containerStatuses ?? []).map((status) => parseTime(status.state?.terminated?.finishedAt) ?? 0);
  const latest = Math.max(0, ...times);
  return latest === 0 ? parseTime(pod.metadata.creationTimestamp) : latest;
}

/** How many pods should run now. */
function wantedActive({ job, succeededCount, active, failedIndexes: failed }: JobView): number {
  const parallelism = job.spec?.parallelism ?? 1;
  const completions = job.spec?.completions;
  if (completions === undefined) return succeededCount > 0 ? active.length : parallelism;
  return Math.min(parallelism, Math.max(0, completions - succeededCount - failed.size));
}

function surplusSteps(seen: JobView): readonly ObjectAction[] {
  const surplus = seen.active.length - wantedActive(seen);
  if (surplus <= 0) return [];
  const youngestFirst = seen.active.toSorted((a, b) => (a.metadata.creationTimestamp > b.metadata.creationTimestamp ? -1 : 1));
  return youngestFirst.slice(0, surplus).map((pod) => deletion(seen.job, pod));
}

function createSteps(seen: JobView): readonly ObjectAction[] {
  const { job, active, context, terminating } = seen;
  const replacesFailedOnly = job.spec?.podReplacementPolicy === 'Failed';
  const running = active.length + (replacesFailedOnly ? terminating : 0);
  const missing = Math.min(wantedActive(seen) - running, CREATES_PER_PLAN_MAX);
  const template = job.spec?.template;
  if (missing <= 0 || template === undefined) return [];
  const labelled = withJobLabels(job, template);
  if (job.spec?.completionMode === 'Indexed') {
    return freeIndexes(seen, missing).map((index) => {
      const pod = podFromTemplate(labelled, job, `${job.metadata.name}-${index}-${context.ids.suffix(5)}`);
      return { do: 'create' as const, resource: resources.pods, object: withIndex(pod, job.metadata.name, index), reportTo: job };
    });
  }
  return Array.from({ length: missing }, () => ({
    do: 'create' as const,
    resource: resources.pods,
    object: podFromTemplate(labelled, job, `${job.metadata.name}-${context.ids.suffix(5)}`),
    reportTo: job,
  }));
}

/** Lowest indexes without a running or succeeded pod. */
function freeIndexes({ job, active, succeededIndexes, failedIndexes: failed }: JobView, count: number): readonly number[] {
  const taken = new Set([...active.map(indexOf), ...succeededIndexes, ...failed]);
  const free: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0) && free.length < count; index += 1) if (!taken.has(index)) free.push(index);
  return free;
}

/** The labels by which users find a job's pods, whether or not the API has put them into the template. */
function withJobLabels(job: StoredJob, template: PodTemplateSpec): PodTemplateSpec {
  const { name, uid } = job.metadata;
  const own = {
    'batch.kubernetes.io/job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'job-name': name,
    'controller-uid': uid,
  };
  return { ...template, metadata: { ...template.metadata, labels: { ...own, ...template.metadata?.labels } } };
}

function deletion(job: StoredJob, pod: StoredPod): ObjectAction {
  const { namespace, name, uid } = pod.metadata;
  return { do: 'delete', ref: { ...resources.pods, namespace, name }, uid, reportTo: job };
}

function statusOf(seen: JobView, conditions: readonly JobCondition[]): JobStatus {
  const { job, active, context, succeededCount, failedCount, terminating } = seen;
  const types = new Set(conditions.map((each) => each.type));
  const kept = (job.status?.conditions ?? []).filter((each) => !types.has(each.type));
  const indexes = [...seen.succeededIndexes];
  const counts = { active: active.length, succeeded: succeededCount, failed: failedCount };
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)),
    ready: active.filter(isReady).length,
    terminating,
    startTime: job.status?.startTime ?? formatTime(context.now),
    ...(job.status?.completionTime === undefined ? {} : { completionTime: job.status.completionTime }),
    ...(job.spec?.completionMode === 'Indexed' && indexes.length > 0 ? { completedIndexes: formatIndexes(indexes) } : {}),
    ...(job.spec?.backoffLimitPerIndex === undefined ? {} : { failedIndexes: formatIndexes([...seen.failedIndexes]) }),
    uncountedTerminatedPods: {},
    ...(kept.length + conditions.length === 0 ? {} : { conditions: [...kept, ...conditions] }),
  };
}

function writeStatus({ job }: JobView, status: JobStatus): readonly ObjectAction[] {
  if (canonicalJson(status) === canonicalJson(job.status)) return [];
  const object: KubeObject = { ...job, status };
  return [{ do: 'update-status', resource: resources.jobs, object }];
}
