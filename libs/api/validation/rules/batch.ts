/** Rules of Jobs and CronJobs. */
import type { CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec } from '../../generated/types.js';
import { cronProblem } from '../checks/cron.js';
import { immutable, isSame, nonNegative } from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, Nested, OneOf, Required, Whole } from '../rule-class.js';
import { PodTemplateRules } from './pod.js';

/** A job's pods come to an end. */
const ends: Rule<JobSpec> = (spec, at) => {
  const policy = spec.template?.spec?.restartPolicy;
  if (policy !== undefined && policy !== 'OnFailure' && policy !== 'Never') {
    at.down('template', 'spec', 'restartPolicy').required('valid values: "OnFailure", "Never"');
  }
};

const indexed: Rule<JobSpec> = (spec, at) => {
  if (spec.completionMode === 'Indexed' && spec.completions === undefined) {
    at.field('completions').required('when completion mode is Indexed');
  }
  if (spec.backoffLimitPerIndex !== undefined && spec.completionMode !== 'Indexed') {
    at.field('backoffLimitPerIndex').invalid(spec.backoffLimitPerIndex, 'requires indexed completion mode');
  }
};

@Whole(ends, indexed)
class JobSpecRules {
  @Check(nonNegative) readonly parallelism?: JobSpec['parallelism'];
  @Check(nonNegative) readonly completions?: JobSpec['completions'];
  @Check(nonNegative) readonly activeDeadlineSeconds?: JobSpec['activeDeadlineSeconds'];
  @Check(nonNegative) readonly backoffLimit?: JobSpec['backoffLimit'];
  @Check(nonNegative) readonly ttlSecondsAfterFinished?: JobSpec['ttlSecondsAfterFinished'];
  @OneOf('Indexed', 'NonIndexed') readonly completionMode?: JobSpec['completionMode'];
  @Required()
  @Nested(() => PodTemplateRules)
  readonly template?: JobSpec['template'];
}

export class JobRules {
  @Required()
  @Nested(() => JobSpecRules)
  readonly spec?: Job['spec'];
}

/** Work that has begun is not redefined; a suspended job that never started may still learn where its pods should run. */
export function jobUpdate(job: Job, old: Job, at: Place): void {
  const [spec, before] = [job.spec, old.spec];
  const place = at.field('spec');
  immutable(spec?.selector, before?.selector, place.field('selector'));
  immutable(spec?.completionMode, before?.completionMode, place.field('completionMode'));
  const elastic = spec?.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  if (!elastic) immutable(spec?.completions, before?.completions, place.field('completions'));
  const mayMove = before?.suspend === true && old.status?.startTime === undefined;
  if (!mayMove && !isSame(spec?.template, before?.template)) place.field('template').invalid(spec?.template, 'field is immutable');
}

class JobTemplateRules {
  @Required()
  @Nested(() => JobSpecRules)
  readonly spec?: JobTemplateSpec['spec'];
}

const schedule: Rule<string> = (text, at) => {
  const problem = cronProblem(text);
  if (problem !== undefined) at.invalid(text, problem);
  if (text.includes('TZ=')) at.invalid(text, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
};

class CronJobSpecRules {
  @Required()
  @Check(schedule)
  readonly schedule?: CronJobSpec['schedule'];
  @Check(nonNegative) readonly startingDeadlineSeconds?: CronJobSpec['startingDeadlineSeconds'];
  @Required()
  @OneOf('Allow', 'Forbid', 'Replace')
  readonly concurrencyPolicy?: CronJobSpec['concurrencyPolicy'];
  @Check(nonNegative) readonly successfulJobsHistoryLimit?: CronJobSpec['successfulJobsHistoryLimit'];
  @Check(nonNegative) readonly failedJobsHistoryLimit?: CronJobSpec['failedJobsHistoryLimit'];
  @Required()
  @Nested(() => JobTemplateRules)
  readonly jobTemplate?: CronJobSpec['jobTemplate'];
}

export class CronJobRules {
  @Required()
  @Nested(() => CronJobSpecRules)
  readonly spec?: CronJob['spec'];
}
