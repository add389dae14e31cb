/** berth describe deployment. */
import type { Deployment, ReplicaSet } from '../../../libs/api/index.js';
import type { EventJson } from '../client/events.js';
import { Indented } from '../output/indented.js';
import { longTime } from '../output/time.js';
import { annotationLines, describeEvents, describePodTemplate, mapLines, mapText } from './parts.js';

export interface DeploymentFacts {
  readonly deployment: Deployment;
  /** Those that it owns. */
  readonly replicaSets: readonly ReplicaSet[];
  readonly events: readonly EventJson[];
}

export function describeDeployment({ deployment, replicaSets, events }: DeploymentFacts): string {
  const out = new Indented();
  const { metadata, spec, status } = deployment;
  out.field(0, 'Name', metadata?.name ?? '');
  out.field(0, 'Namespace', metadata?.namespace ?? '');
  out.field(0, 'CreationTimestamp', longTime(metadata?.creationTimestamp));
  out.field(0, 'Labels', mapLines(metadata?.labels));
  out.field(0, 'Annotations', annotationLines(metadata?.annotations));
  out.field(0, 'Selector', mapText(spec?.selector.matchLabels));
  out.field(
    0,
    'Replicas',
    `${spec?.replicas ?? 1} desired | ${status?.updatedReplicas ?? 0} updated | ${status?.replicas ?? 0} total | ${status?.availableReplicas ?? 0} available | ${status?.unavailableReplicas ?? 0} unavailable`,
  );
  out.field(0, 'StrategyType', spec?.strategy?.type ?? '');
  out.field(0, 'MinReadySeconds', String(spec?.minReadySeconds ?? 0));
  const rolling = spec?.strategy?.rollingUpdate;
  if (rolling !== undefined)
    out.field(0, 'RollingUpdateStrategy', `${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`);
  describePodTemplate(out, spec?.template);
  const conditions = (status?.conditions ?? []).map(({ type, status: value, reason = '' }) => [type, value, reason]);
  if (conditions.length > 0) out.table(0, 'Conditions', ['Type', 'Status', 'Reason'], conditions);
  const revision = metadata?.annotations?.['deployment.kubernetes.io/revision'];
  const isNew = (set: ReplicaSet): boolean => set.metadata?.annotations?.['deployment.kubernetes.io/revision'] === revision;
  out.field(0, 'OldReplicaSets', setsText(replicaSets.filter((set) => !isNew(set))));
  out.field(0, 'NewReplicaSet', setsText(replicaSets.filter(isNew)));
  describeEvents(out, events);
  return out.text();
}

function setsText(sets: readonly ReplicaSet[]): string {
  if (sets.length === 0) return '<none>';
  return sets
    .map(({ metadata, spec, status }) => `${metadata?.name ?? ''} (${status?.replicas ?? 0}/${spec?.replicas ?? 0} replicas created)`)
    .join(', ');
}
