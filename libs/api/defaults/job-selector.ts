/** The labels by which a Job knows its pods. They need the Job's uid, so they are given at creation, after defaulting. */
import type { JobSpec, PodTemplateSpec } from '../generated/types.js';
import type { KubeObject } from '../object.js';

const UID_LABEL = 'batch.kubernetes.io/controller-uid';
const NAME_LABEL = 'batch.kubernetes.io/job-name';

/**
 * Completes the selector and the template of a new Job with labels of its own uid and name, unless it says
 * `manualSelector: true` (Kubernetes docs, Job: specifying your own pod selector). Labels that are set stay.
 */
export function withJobSelector(job: KubeObject): KubeObject {
  const spec = job['spec'] as JobSpec | undefined; // called for Jobs only, whose spec decoding has checked
  const { uid, name } = job.metadata;
  if (spec === undefined || spec.manualSelector === true || uid === undefined || name === undefined) return job;
  const own = { [UID_LABEL]: uid, [NAME_LABEL]: name, 'controller-uid': uid, 'job-name': name };
  const template: Partial<PodTemplateSpec> = spec.template ?? {};
  const selector = { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, [UID_LABEL]: uid } };
  const metadata = { ...template.metadata, labels: { ...own, ...template.metadata?.labels } };
  return { ...job, spec: { ...spec, selector, template: { ...template, metadata } } };
}
