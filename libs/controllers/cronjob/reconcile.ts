/** CronJob: makes a Job at each time of its schedule, and keeps as many finished ones as asked. */
import type { CronJob, CronJobStatus, Job, KubeObject, Stored } from '../../api/index.js';
import { formatTime, instant, parseTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import { controllerOf, resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, ObjectAction, Plan } from '../../reconciling/index.js';
import { keyOf, ownerKeys, splitKey } from '../workload/ownership.js';
import { isTerminating } from '../workload/pod-facts.js';
import { canonicalJson, controllerReference } from '../workload/pod-template.js';
import { nextTime, parseSchedule } from './schedule.js';
import type { Schedule } from './schedule.js';

type StoredCronJob = Stored<CronJob>;
type StoredJob = Stored<Job>;

/** With more missed times than this the last one is not searched for step by step. */
const MISSED_MAX = 100;

export const cronJobController: Controller = {
  name: 'cronjob-controller',
  watches: [
    { resource: resources.cronJobs, keys: (cronJob) => [keyOf(cronJob)] },
    { resource: resources.jobs, keys: (job, previous) => ownerKeys('CronJob', job, previous) },
  ],
  reconcile(view, key, context) {
    const { namespace, name } = splitKey(key);
    const cronJob = view.get(resources.cronJobs, namespace, name);
    return cronJob === undefined || isTerminating(cronJob) ? { actions: [] } : reconcileCronJob(view, cronJob, context.now);
  },
};

/** Same view, same instant, same plan. */
export function reconcileCronJob(view: ClusterView, cronJob: StoredCronJob, now: Instant): Plan {
  const jobs = view.ownedOf(resources.jobs, cronJob.metadata.uid).filter((job) => controllerOf(job)?.uid === cronJob.metadata.uid);
  const cleanup = [...completions(cronJob, jobs), ...historyCleanup(cronJob, jobs)];
  const schedule = parseSchedule(cronJob.spec?.schedule ?? '');
  if (schedule === undefined || cronJob.spec?.suspend === true) {
    return { actions: [...cleanup, ...writeStatus(cronJob, statusOf(cronJob, jobs, undefined))] };
  }
  const due = dueTime(cronJob, schedule, now);
  const active = jobs.filter((job) => !isFinished(job) && !isTerminating(job));
  const start = due === undefined ? [] : startSteps(cronJob, active, due);
  const isHeld = due !== undefined && start.length === 0;
  const status = statusOf(cronJob, jobs, due !== undefined && !isHeld ? due : undefined);
  const next = nextTime(schedule, now);
  return {
    actions: [...cleanup, ...start, ...writeStatus(cronJob, status)],
    requeueAfterMs: next === undefined ? undefined : next - now + 100,
  };
}

/** A job that was shown as active and has ended since is told once: the status written now no longer lists it. */
function completions(cronJob: StoredCronJob, jobs: readonly StoredJob[]): readonly ObjectAction[] {
  const shown = new Set(cronJob.status?.active?.map(({ uid }) => uid));
  return jobs
    .filter((job) => shown.has(job.metadata.uid) && isFinished(job))
    .map((job): ObjectAction => {
      const end = job.status?.conditions?.find((each) => (each.type === 'Complete' || each.type === 'Failed') && each.status === 'True');
      const message = `Saw completed job: ${job.metadata.name}, condition: ${end?.type ?? ''}`;
      return { do: 'event', regarding: cronJob, type: 'Normal', reason: 'SawCompletedJob', message };
    });
}

function isFinished(job: StoredJob): boolean {
  return job.status?.conditions?.some((each) => (each.type === 'Complete' || each.type === 'Failed') && each.status === 'True') === true;
}

/** The newest time of the schedule that has come and has not been served, unless it is too late for it. */
function dueTime(cronJob: StoredCronJob, schedule: Schedule, now: Instant): Instant | undefined {
  const created = parseTime(cronJob.metadata.creationTimestamp) ?? now;
  const deadline = cronJob.spec?.startingDeadlineSeconds;
  const earliest = deadline === undefined ? 0 : now - deadline * 1000;
  let from = instant(Math.max(parseTime(cronJob.status?.lastScheduleTime) ?? created, earliest));
  let due: Instant | undefined;
  for (let missed = 0; ; missed += 1) {
    const next = nextTime(schedule, from);
    if (next === undefined || next > now) return due;
    due = next;
    from = missed < MISSED_MAX ? next : instant(Math.max(next, now - 60_000 * 2));
  }
}

function startSteps(cronJob: StoredCronJob, active: readonly StoredJob[], due: Instant): readonly ObjectAction[] {
  const policy = cronJob.spec?.concurrencyPolicy ?? 'Allow';
  if (policy === 'Forbid' && active.length > 0) return [];
  const replaced = policy === 'Replace' ? active.map((job) => deletion(cronJob, job)) : [];
  const template = cronJob.spec?.jobTemplate;
  const { name, namespace } = cronJob.metadata;
  // The name holds the time: the same time cannot start twice, whatever is repeated.
  const object: KubeObject = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${name}-${Math.floor(due / 60_000)}`,
      namespace,
      labels: template?.metadata?.labels ?? {},
      annotations: { ...template?.metadata?.annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': formatTime(due) },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec: template?.spec,
  };
  return [
    ...replaced,
    { do: 'create', resource: resources.jobs, object, reportTo: cronJob, reportAs: `Created job ${object.metadata.name ?? ''}` },
  ];
}

function historyCleanup(cronJob: StoredCronJob, jobs: readonly StoredJob[]): readonly ObjectAction[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec ?? {};
  const ended = (type: string): readonly StoredJob[] =>
    jobs
      .filter((job) => !isTerminating(job) && job.status?.conditions?.some((each) => each.type === type && each.status === 'True'))
      .toSorted((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  const beyond = (list: readonly StoredJob[], limit: number): readonly StoredJob[] => list.slice(0, Math.max(0, list.length - limit));
  return [...beyond(ended('Complete'), successfulJobsHistoryLimit), ...beyond(ended('Failed'), failedJobsHistoryLimit)].map((job) =>
    deletion(cronJob, job),
  );
}

function deletion(cronJob: StoredCronJob, job: StoredJob): ObjectAction {
  const { namespace, name, uid } = job.metadata;
  const ref = { ...resources.jobs, namespace, name };
  return { do: 'delete', ref, uid, propagation: 'Background', reportTo: cronJob, reportAs: `Deleted job ${name}` };
}

function statusOf(cronJob: StoredCronJob, jobs: readonly StoredJob[], scheduled: Instant | undefined): CronJobStatus {
  const active = jobs
    .filter((job) => !isFinished(job))
    .map(({ apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } }) => ({
      apiVersion,
      kind,
      name,
      namespace,
      uid,
      resourceVersion,
    }));
  const succeeded = jobs.flatMap((job) => job.status?.completionTime ?? []).toSorted((a, b) => (a < b ? -1 : 1));
  const lastScheduleTime = scheduled === undefined ? cronJob.status?.lastScheduleTime : formatTime(scheduled);
  const lastSuccessfulTime = succeeded.at(-1) ?? cronJob.status?.lastSuccessfulTime;
  return {
    ...(active.length === 0 ? {} : { active }),
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
    ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
  };
}

function writeStatus(cronJob: StoredCronJob, status: CronJobStatus): readonly ObjectAction[] {
  if (canonicalJson(status) === canonicalJson(cronJob.status)) return [];
  return [{ do: 'update-status', resource: resources.cronJobs, object: { ...cronJob, status } }];
}
