/** ResourceQuota status: what a namespace may use, and uses. Admission counts for itself; this is for those who read it. */
import { findByResource, findKind } from '../../api/index.js';
import type { GroupResource, KubeObject } from '../../api/index.js';
import { quotaStatus } from '../../apiserver/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, Plan } from '../../reconciling/index.js';
import { keyOf, splitKey } from '../workload/ownership.js';
import { canonicalJson } from '../workload/pod-template.js';

export const resourceQuotaController: Controller = {
  name: 'resourcequota-controller',
  watches: [{ resource: 'all', keys: keysOf }],
  reconcile(view, key) {
    const { namespace, name } = splitKey(key);
    const quota = view.get(resources.resourceQuotas, namespace, name);
    return quota === undefined ? { actions: [] } : reconcileQuota(view, quota);
  },
};

/** A quota by itself; every quota of a namespace by what comes and goes there, and by the pods that end or grow. */
function keysOf(object: KubeObject, previous: KubeObject | undefined, view: ClusterView, resource: GroupResource): readonly string[] {
  const { namespace } = object.metadata;
  if (namespace === undefined || resource.resource === 'events' || resource.resource === 'leases') return [];
  const quotas = view.list(resources.resourceQuotas, namespace);
  if (quotas.length === 0) return [];
  return previous === undefined || previous === object || mayCountAnew(object, previous, resource) ? quotas.map(keyOf) : [];
}

function mayCountAnew(object: KubeObject, previous: KubeObject, resource: GroupResource): boolean {
  if (resource.group !== '') return false;
  if (resource.resource === 'pods' && phaseOf(object) !== phaseOf(previous)) return true;
  return (
    ['pods', 'services', 'persistentvolumeclaims', 'resourcequotas'].includes(resource.resource) && object['spec'] !== previous['spec']
  );
}

function phaseOf(pod: KubeObject): unknown {
  return (pod['status'] as { readonly phase?: string } | undefined)?.phase; // watched under pods
}

/** Same view, same plan. */
export function reconcileQuota(view: ClusterView, quota: KubeObject): Plan {
  const status = quotaStatus(quota, (kind) => {
    const stored = findKind({ ...kind, version: kind.storageVersion, group: kind.storageGroup }) ?? findByResource(kind) ?? kind;
    return view.list(stored, quota.metadata.namespace) as readonly KubeObject[]; // listed by the kind's own resource
  });
  if (canonicalJson(status) === canonicalJson(quota['status'])) return { actions: [] };
  return { actions: [{ do: 'update-status', resource: resources.resourceQuotas, object: { ...quota, status } }] };
}
