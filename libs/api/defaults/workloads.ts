/** Defaults of the workload kinds (`apps/v1`, `batch/v1`, ReplicationController, PodTemplate). */
import type {
  CronJob,
  CronJobSpec,
  DaemonSet,
  DaemonSetSpec,
  DaemonSetUpdateStrategy,
  Deployment,
  DeploymentSpec,
  DeploymentStrategy,
  Job,
  JobSpec,
  JobTemplateSpec,
  PersistentVolumeClaim,
  PodFailurePolicy,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  PodTemplate,
  ReplicaSet,
  ReplicaSetSpec,
  ReplicationController,
  ReplicationControllerSpec,
  RollingUpdateDaemonSet,
  RollingUpdateDeployment,
  RollingUpdateStatefulSetStrategy,
  StatefulSet,
  StatefulSetPersistentVolumeClaimRetentionPolicy,
  StatefulSetSpec,
  StatefulSetUpdateStrategy,
} from '../generated/types.js';
import { each, emptyObject, filler, inOrder, isUnset } from './filler.js';
import { fillPodTemplate } from './pod.js';
import { fillClaimSpec } from './volumes.js';

const REVISIONS_DEFAULT = 10;
const INT32_MAX = 2_147_483_647;

/** Replicas of 0 are a choice; only an absent number is a gap, and `filler` keeps 0. */
const fillDeploymentStrategy = filler<DeploymentStrategy>(
  { type: 'RollingUpdate', rollingUpdate: (strategy) => (strategy.type === 'RollingUpdate' ? {} : undefined) },
  { rollingUpdate: filler<RollingUpdateDeployment>({ maxUnavailable: '25%', maxSurge: '25%' }) },
);

export const fillDeployment = filler<Deployment>(
  { status: emptyObject },
  {
    spec: filler<DeploymentSpec>(
      {
        replicas: 1,
        strategy: emptyObject,
        template: emptyObject,
        revisionHistoryLimit: REVISIONS_DEFAULT,
        progressDeadlineSeconds: 600,
      },
      { strategy: fillDeploymentStrategy, template: fillPodTemplate },
    ),
  },
);

export const fillReplicaSet = filler<ReplicaSet>(
  { status: () => ({ replicas: 0 }) },
  { spec: filler<ReplicaSetSpec>({ replicas: 1, template: emptyObject }, { template: fillPodTemplate }) },
);

const fillDaemonSetStrategy = filler<DaemonSetUpdateStrategy>(
  { type: 'RollingUpdate', rollingUpdate: (strategy) => (strategy.type === 'RollingUpdate' ? {} : undefined) },
  { rollingUpdate: filler<RollingUpdateDaemonSet>({ maxUnavailable: 1, maxSurge: 0 }) },
);

export const fillDaemonSet = filler<DaemonSet>(
  { status: () => ({ currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 }) },
  {
    spec: filler<DaemonSetSpec>(
      { updateStrategy: emptyObject, template: emptyObject, revisionHistoryLimit: REVISIONS_DEFAULT },
      { updateStrategy: fillDaemonSetStrategy, template: fillPodTemplate },
    ),
  },
);

// A strategy that names its type but no rollingUpdate keeps it unset; one without a type gets both.
const fillStatefulSetStrategy = filler<StatefulSetUpdateStrategy>(
  { rollingUpdate: (strategy) => (isUnset(strategy.type) ? {} : undefined), type: 'RollingUpdate' },
  { rollingUpdate: filler<RollingUpdateStatefulSetStrategy>({ partition: 0, maxUnavailable: 1 }) },
);

const fillClaimTemplate = filler<PersistentVolumeClaim>(
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: () => ({ phase: 'Pending' }) },
  { spec: fillClaimSpec },
);

export const fillStatefulSet = filler<StatefulSet>(
  { status: () => ({ replicas: 0, availableReplicas: 0 }) },
  {
    spec: filler<StatefulSetSpec>(
      {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: emptyObject,
        template: emptyObject,
        persistentVolumeClaimRetentionPolicy: emptyObject,
        revisionHistoryLimit: REVISIONS_DEFAULT,
      },
      {
        updateStrategy: fillStatefulSetStrategy,
        persistentVolumeClaimRetentionPolicy: filler<StatefulSetPersistentVolumeClaimRetentionPolicy>({
          whenDeleted: 'Retain',
          whenScaled: 'Retain',
        }),
        volumeClaimTemplates: each(fillClaimTemplate),
        template: fillPodTemplate,
      },
    ),
  },
);

const fillFailurePolicy = filler<PodFailurePolicy>(
  {},
  {
    rules: each(
      filler<PodFailurePolicyRule>({}, { onPodConditions: each(filler<PodFailurePolicyOnPodConditionsPattern>({ status: 'True' })) }),
    ),
  },
);

/** Only a Job itself gets these; the template of a CronJob keeps its gaps until a Job is made of it. */
const fillJobSpecOnly = filler<JobSpec>({
  // Before parallelism: completions are filled only where both are unset.
  completions: (spec) => (isUnset(spec.parallelism) ? 1 : undefined),
  parallelism: 1,
  backoffLimit: (spec) => (isUnset(spec.backoffLimitPerIndex) ? 6 : INT32_MAX),
  completionMode: 'NonIndexed',
  suspend: false,
  podReplacementPolicy: (spec) => (isUnset(spec.podFailurePolicy) ? 'TerminatingOrFailed' : 'Failed'),
});

const fillJobSpecEverywhere = filler<JobSpec>(
  { template: emptyObject },
  { template: fillPodTemplate, podFailurePolicy: fillFailurePolicy },
);

function labelsOfTemplate(job: Job): Job {
  const labels = job.spec?.template?.metadata?.labels;
  if (labels === undefined || Object.keys(job.metadata?.labels ?? {}).length > 0) return job;
  return { ...job, metadata: { ...job.metadata, labels } };
}

export const fillJob = inOrder<Job>(
  labelsOfTemplate,
  filler<Job>({ status: emptyObject }, { spec: inOrder(fillJobSpecOnly, fillJobSpecEverywhere) }),
);

export const fillCronJob = filler<CronJob>(
  { status: emptyObject },
  {
    spec: filler<CronJobSpec>(
      { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
      { jobTemplate: filler<JobTemplateSpec>({}, { spec: fillJobSpecEverywhere }) },
    ),
  },
);

function selectorOfTemplate(controller: ReplicationController): ReplicationController {
  const labels = controller.spec?.template?.metadata?.labels;
  if (labels === undefined) return controller;
  const selects = Object.keys(controller.spec?.selector ?? {}).length > 0;
  const labelled = Object.keys(controller.metadata?.labels ?? {}).length > 0;
  if (selects && labelled) return controller;
  return {
    ...controller,
    ...(selects ? {} : { spec: { ...controller.spec, selector: labels } }),
    ...(labelled ? {} : { metadata: { ...controller.metadata, labels } }),
  };
}

export const fillReplicationController = inOrder<ReplicationController>(
  selectorOfTemplate,
  filler<ReplicationController>(
    { status: () => ({ replicas: 0 }) },
    { spec: filler<ReplicationControllerSpec>({ replicas: 1 }, { template: fillPodTemplate }) },
  ),
);

export const fillPodTemplateObject = filler<PodTemplate>({}, { template: fillPodTemplate });
