/** Tables of workloads: who should run how often, and how far that is. */
import { parseTime, type Instant } from '../../kit/index.js';
import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PodTemplate,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../generated/types.js';
import { ageOf, humanDuration } from './human-duration.js';
import {
  age,
  ageColumn,
  containerImages,
  containerNames,
  flag,
  formatLabels,
  formatSelector,
  integer,
  nameColumn,
  nameOf,
  orNone,
  podTemplateColumns,
  printer,
  selectorColumn,
  text,
  type Cell,
} from './printer.js';

function templateCells(template: PodTemplateSpec | undefined): readonly Cell[] {
  return [containerNames(template?.spec?.containers), containerImages(template?.spec?.containers)];
}

export const deploymentPrinter = printer<Deployment>({
  columns: [
    nameColumn,
    text('Ready', 'Number of the pod with ready state'),
    text('Up-to-date', 'Pods of the newest template.'),
    text('Available', 'Pods that have been ready for long enough.'),
    ageColumn,
    ...podTemplateColumns,
    selectorColumn,
  ],
  cells: (deployment, now) => {
    const { spec, status } = deployment;
    return [
      nameOf(deployment),
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      status?.updatedReplicas ?? 0,
      status?.availableReplicas ?? 0,
      age(deployment, now),
      ...templateCells(spec?.template),
      formatSelector(spec?.selector),
    ];
  },
});

const replicaColumns = [
  nameColumn,
  integer('Desired', 'How many pods there should be.'),
  integer('Current', 'How many pods there are.'),
  integer('Ready', 'How many pods are ready.'),
  ageColumn,
  ...podTemplateColumns,
  selectorColumn,
];

export const replicaSetPrinter = printer<ReplicaSet>({
  columns: replicaColumns,
  cells: (set, now) => [
    nameOf(set),
    set.spec?.replicas ?? 0,
    set.status?.replicas ?? 0,
    set.status?.readyReplicas ?? 0,
    age(set, now),
    ...templateCells(set.spec?.template),
    formatSelector(set.spec?.selector),
  ],
});

export const replicationControllerPrinter = printer<ReplicationController>({
  columns: replicaColumns,
  cells: (controller, now) => [
    nameOf(controller),
    controller.spec?.replicas ?? 0,
    controller.status?.replicas ?? 0,
    controller.status?.readyReplicas ?? 0,
    age(controller, now),
    ...templateCells(controller.spec?.template),
    formatLabels(controller.spec?.selector),
  ],
});

export const statefulSetPrinter = printer<StatefulSet>({
  columns: [nameColumn, text('Ready', 'Number of the pod with ready state'), ageColumn, ...podTemplateColumns],
  cells: (set, now) => [
    nameOf(set),
    `${set.status?.readyReplicas ?? 0}/${set.spec?.replicas ?? 0}`,
    age(set, now),
    ...templateCells(set.spec?.template),
  ],
});

export const daemonSetPrinter = printer<DaemonSet>({
  columns: [
    nameColumn,
    integer('Desired', 'Nodes that should run the pod.'),
    integer('Current', 'Nodes that should run the pod, and do.'),
    integer('Ready', 'Nodes on which the pod is ready.'),
    integer('Up-to-date', 'Nodes that run the newest template.'),
    integer('Available', 'Nodes on which the pod has been ready for long enough.'),
    text('Node Selector', 'Which nodes should run the pod.'),
    ageColumn,
    ...podTemplateColumns,
    selectorColumn,
  ],
  cells: (set, now) => {
    const { spec, status } = set;
    return [
      nameOf(set),
      status?.desiredNumberScheduled ?? 0,
      status?.currentNumberScheduled ?? 0,
      status?.numberReady ?? 0,
      status?.updatedNumberScheduled ?? 0,
      status?.numberAvailable ?? 0,
      formatLabels(spec?.template?.spec?.nodeSelector),
      age(set, now),
      ...templateCells(spec?.template),
      formatSelector(spec?.selector),
    ];
  },
});

/** First match wins. */
const jobStates = ['Complete', 'Failed', 'Terminating', 'Suspended', 'FailureTarget', 'SuccessCriteriaMet'];

function jobState(job: Job): string {
  const states = new Set((job.status?.conditions ?? []).filter(({ status }) => status === 'True').map(({ type }) => type));
  if (job.metadata?.deletionTimestamp !== undefined) states.add('Terminating');
  return jobStates.find((state) => states.has(state)) ?? 'Running';
}

function completions(job: Job): string {
  const done = job.status?.succeeded ?? 0;
  if (job.spec?.completions !== undefined) return `${done}/${job.spec.completions}`;
  const parallel = job.spec?.parallelism ?? 0;
  return parallel > 1 ? `${done}/1 of ${parallel}` : `${done}/1`;
}

function jobDuration(job: Job, now: Instant): string {
  const start = parseTime(job.status?.startTime);
  return start === undefined ? '' : humanDuration((parseTime(job.status?.completionTime) ?? now) - start);
}

export const jobPrinter = printer<Job>({
  columns: [
    nameColumn,
    text('Status', 'Status of the job.'),
    text('Completions', 'Pods that ended well, of those wanted.'),
    text('Duration', 'Time required to complete the job.'),
    ageColumn,
    ...podTemplateColumns,
    selectorColumn,
  ],
  cells: (job, now) => [
    nameOf(job),
    jobState(job),
    completions(job),
    jobDuration(job, now),
    age(job, now),
    ...templateCells(job.spec?.template),
    formatSelector(job.spec?.selector),
  ],
});

export const cronJobPrinter = printer<CronJob>({
  columns: [
    nameColumn,
    text('Schedule', 'When jobs start, in cron form.'),
    text('Timezone', 'The time zone of the schedule.'),
    flag('Suspend', 'Whether no further jobs start.'),
    integer('Active', 'Jobs that run now.'),
    text('Last Schedule', 'Time since a job was last started.'),
    ageColumn,
    ...podTemplateColumns,
    selectorColumn,
  ],
  cells: (cron, now) => {
    const { spec, status } = cron;
    return [
      nameOf(cron),
      spec?.schedule ?? '',
      orNone(spec?.timeZone),
      spec?.suspend === true ? 'True' : 'False',
      (status?.active ?? []).length,
      status?.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, now),
      age(cron, now),
      ...templateCells(spec?.jobTemplate?.spec?.template),
      formatSelector(spec?.jobTemplate?.spec?.selector),
    ];
  },
});

export const podTemplatePrinter = printer<PodTemplate>({
  columns: [
    nameColumn,
    text('Containers', 'Names of each container in the template.'),
    text('Images', 'Images referenced by each container in the template.'),
    text('Pod Labels', 'The labels for the pod template.'),
  ],
  cells: (object) => [nameOf(object), ...templateCells(object.template), formatLabels(object.template?.metadata?.labels)],
});

export const controllerRevisionPrinter = printer<ControllerRevision>({
  columns: [
    nameColumn,
    text('Controller', 'Controller of the object'),
    integer('Revision', 'Revision indicates the revision of the state represented by Data.'),
    ageColumn,
  ],
  cells: (revision, now) => {
    const owner = (revision.metadata?.ownerReferences ?? []).find((reference) => reference.controller === true);
    const group = owner?.apiVersion.includes('/') === true ? `.${owner.apiVersion.split('/')[0]}` : '';
    const controller = owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}${group}/${owner.name}`;
    return [nameOf(revision), controller, revision.revision, age(revision, now)];
  },
});
