/** berth describe replicaset. */
import type { Pod, ReplicaSet } from '../../../libs/api/index.js';
import type { EventJson } from '../client/events.js';
import { Indented } from '../output/indented.js';
import { annotationLines, describeEvents, describePodTemplate, mapLines, mapText } from './parts.js';

export interface ReplicaSetFacts {
  readonly set: ReplicaSet;
  /** Those that it owns. */
  readonly pods: readonly Pod[];
  readonly events: readonly EventJson[];
}

export function describeReplicaSet({ set, pods, events }: ReplicaSetFacts): string {
  const out = new Indented();
  const { metadata, spec, status } = set;
  out.field(0, 'Name', metadata?.name ?? '');
  out.field(0, 'Namespace', metadata?.namespace ?? '');
  out.field(0, 'Selector', mapText(spec?.selector.matchLabels));
  out.field(0, 'Labels', mapLines(metadata?.labels));
  out.field(0, 'Annotations', annotationLines(metadata?.annotations));
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner !== undefined) out.field(0, 'Controlled By', `${owner.kind}/${owner.name}`);
  out.field(0, 'Replicas', `${status?.replicas ?? 0} current / ${spec?.replicas ?? 1} desired`);
  const count = (phase: string): number => pods.filter((pod) => pod.status?.phase === phase).length;
  out.field(
    0,
    'Pods Status',
    `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`,
  );
  describePodTemplate(out, spec?.template);
  describeEvents(out, events);
  return out.text();
}
