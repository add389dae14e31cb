/** `pods/binding`: gives an unscheduled pod its node, once. */
import type { KubeObject } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { CachedObject } from '../../storage/index.js';
import { findKind } from '../../api/index.js';
import type { ApiResponse } from '../ports.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { isBeingDeleted, record, records, text } from '../registry/object.js';
import { updateObject } from '../registry/update.js';
import { data, formOf } from '../serve/respond.js';
import { operationOf, type ResourceRequest } from '../serve/write-request.js';
import { badRequest, conflict, unknownPath } from '../status.js';

export async function bindPod(context: ApiContext, resource: ResourceRequest, binding: KubeObject): Promise<ApiResponse> {
  const node = text(record(binding['target'])['name']) ?? '';
  if (node === '') throw badRequest('target.name: Required value');
  const name = resource.info.subresource === undefined ? (binding.metadata.name ?? '') : (resource.info.name ?? '');
  await assignNode(context, operationOf(resource, 'binding'), { pod: name, uid: binding.metadata.uid, node });
  const form = formOf(resource.request, context.clock.now());
  return data({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, form, 201);
}

export interface Assignment {
  readonly pod: string;
  readonly uid: string | undefined;
  readonly node: string;
}

/** Sets `spec.nodeName` and the PodScheduled condition. Throws Conflict where the pod has a node, is another one, or is going away. */
export function assignNode(context: ApiContext, operation: Operation, { pod: name, uid, node }: Assignment): Promise<CachedObject> {
  const pods = findKind({ group: '', version: 'v1', resource: 'pods' });
  if (pods === undefined) throw unknownPath();
  return updateObject(context, { ...operation, kind: pods, subresource: 'binding' }, name, (pod) => {
    const refuse = (why: string): Error => conflict(pods, name, why);
    const current = text(record(pod['spec'])['nodeName']) ?? '';
    if (uid !== undefined && uid !== '' && uid !== pod.metadata.uid) {
      throw refuse(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`);
    }
    if (isBeingDeleted(pod)) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
    if (current !== '') throw refuse(`pod ${name} is already assigned to node "${current}"`);
    return scheduled(pod, node, formatTime(context.clock.now()));
  });
}

function scheduled(pod: KubeObject, node: string, now: string): KubeObject {
  const status = record(pod['status']);
  const others = records(status['conditions']).filter((condition) => condition['type'] !== 'PodScheduled');
  const condition = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now };
  return { ...pod, spec: { ...record(pod['spec']), nodeName: node }, status: { ...status, conditions: [...others, condition] } };
}
