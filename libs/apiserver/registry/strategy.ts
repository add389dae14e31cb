/** What a kind's status and generation look like from the first write on: the facts that differ between kinds, as tables. */
import { qualifiedResource, withJobSelector, type KindInfo, type KubeObject, type ObjectMeta } from '../../api/index.js';
import { record, records, sameData, text, without, withoutUndefined, type Fields } from './object.js';

/** Kinds whose `metadata.generation` counts the changes of everything but metadata and status. */
const countsGenerations: ReadonlySet<string> = new Set([
  'pods',
  'replicationcontrollers',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
  'poddisruptionbudgets.policy',
  'ingresses.networking.k8s.io',
  'ingressclasses.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'operations.berth.dev',
]);

/** What `status` is at birth; kinds with a status subresource that are not listed start with `{}`. */
const initialStatus: Readonly<Record<string, (object: KubeObject) => Fields>> = {
  namespaces: () => ({ phase: 'Active' }),
  pods: (pod) => ({ phase: 'Pending', qosClass: qosClass(pod), ...gatedConditions(pod) }),
  services: () => ({ loadBalancer: {} }),
  persistentvolumes: () => ({ phase: 'Pending' }),
  persistentvolumeclaims: () => ({ phase: 'Pending' }),
  replicationcontrollers: () => ({ replicas: 0 }),
  'replicasets.apps': () => ({ replicas: 0 }),
  'statefulsets.apps': () => ({ replicas: 0, availableReplicas: 0 }),
  'daemonsets.apps': () => ({ currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 }),
  'horizontalpodautoscalers.autoscaling': () => ({ desiredReplicas: 0, currentMetrics: null }),
  'poddisruptionbudgets.policy': () => ({ currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }),
  'ingresses.networking.k8s.io': () => ({ loadBalancer: {} }),
};

/** A pod with scheduling gates says from the start why nobody places it. */
function gatedConditions(pod: KubeObject): Fields {
  if (records(record(pod['spec'])['schedulingGates']).length === 0) return {};
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  return { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message, lastTransitionTime: null }] };
}

/** Kinds whose creator may set the status: an agent registers its node with addresses and capacity in one write. */
const bringsItsStatus: ReadonlySet<string> = new Set(['nodes']);

/** Kinds whose deletion answers the deleted object; all others answer a `Status` (Kubernetes' OpenAPI, responses of the delete operations). */
const answersDeletedObject: ReadonlySet<string> = new Set([
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'podtemplates',
  'resourcequotas',
  'serviceaccounts',
  'services',
  'deviceclasses.resource.k8s.io',
  'resourceclaims.resource.k8s.io',
  'resourceclaimtemplates.resource.k8s.io',
  'resourceslices.resource.k8s.io',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'storageclasses.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'volumeattributesclasses.storage.k8s.io',
]);

export function deletionAnswersObject(kind: KindInfo): boolean {
  return answersDeletedObject.has(qualifiedResource(kind));
}

/** Kinds whose dependents stay behind where a deletion does not say: so it was before there was garbage collection. */
const orphansByDefault: ReadonlySet<string> = new Set(['replicationcontrollers', 'jobs.batch']);

export function defaultPropagation(kind: KindInfo): 'Background' | 'Orphan' {
  return orphansByDefault.has(qualifiedResource(kind)) ? 'Orphan' : 'Background';
}

/** Kinds whose specification stays as it was made, whatever an update says: what was asked to be signed. */
const keepsItsSpec: ReadonlySet<string> = new Set(['certificatesigningrequests.certificates.k8s.io']);

export function specIsKept(kind: KindInfo): boolean {
  return keepsItsSpec.has(qualifiedResource(kind));
}

/** Kinds that a PUT creates where the name is free. */
const createdByUpdate: ReadonlySet<string> = new Set([
  'endpoints',
  'events',
  'limitranges',
  'podtemplates',
  'services',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io',
]);

export function updateMayCreate(kind: KindInfo): boolean {
  return createdByUpdate.has(qualifiedResource(kind));
}

/** Kinds whose PUT must name the resourceVersion that it replaces. */
const updatedByVersionOnly: ReadonlySet<string> = new Set([
  'customresourcedefinitions.apiextensions.k8s.io',
  'apiservices.apiregistration.k8s.io',
  'leases.coordination.k8s.io',
  'poddisruptionbudgets.policy',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
]);

export function updateNeedsVersion(kind: KindInfo): boolean {
  return updatedByVersionOnly.has(qualifiedResource(kind));
}

/** Kinds whose status writes leave all metadata, or one field of it, as it is; elsewhere labels and annotations may come along. */
const metadataKeptByStatus: Readonly<Record<string, 'all' | 'labels' | 'ownerReferences'>> = {
  pods: 'ownerReferences',
  'deployments.apps': 'labels',
  'customresourcedefinitions.apiextensions.k8s.io': 'all',
  'apiservices.apiregistration.k8s.io': 'all',
};

/** The metadata after a write of `status`. */
export function statusMetadata(kind: KindInfo, old: ObjectMeta, wanted: ObjectMeta): ObjectMeta {
  const kept = metadataKeptByStatus[qualifiedResource(kind)];
  if (kept === undefined) return wanted;
  if (kept === 'all') return { ...old, managedFields: wanted.managedFields };
  return withoutUndefined({ ...wanted, [kept]: old[kept] });
}

export function hasStatus(kind: KindInfo): boolean {
  return kind.subresources.includes('status');
}

export function statusAtBirth(kind: KindInfo, object: KubeObject): KubeObject {
  const name = qualifiedResource(kind);
  if (!hasStatus(kind) || bringsItsStatus.has(name)) return object;
  const born = completions[name]?.(object) ?? object;
  return { ...born, status: initialStatus[name]?.(object) ?? {} };
}

/** What only the server can add to a new object's own part. */
const completions: Readonly<Record<string, (object: KubeObject) => KubeObject>> = {
  namespaces: withNamespaceFinalizer,
  'jobs.batch': withJobSelector,
};

/** Keeps a deleted namespace until the namespace controller has emptied it. */
function withNamespaceFinalizer(namespace: KubeObject): KubeObject {
  const spec = record(namespace['spec']);
  const finalizers = Array.isArray(spec['finalizers']) ? spec['finalizers'] : [];
  return { ...namespace, spec: { ...spec, finalizers: [...new Set([...finalizers, 'kubernetes'])] } };
}

export function generationAtBirth(kind: KindInfo): number | undefined {
  return countsGenerations.has(qualifiedResource(kind)) ? 1 : undefined;
}

/** The generation after a change from `old` to `object`. */
export function nextGeneration(kind: KindInfo, old: KubeObject, object: KubeObject): number | undefined {
  const generation = old.metadata.generation;
  if (!countsGenerations.has(qualifiedResource(kind))) return generation;
  return sameData(desiredPart(old), desiredPart(object)) ? generation : (generation ?? 0) + 1;
}

function desiredPart(object: KubeObject): Fields {
  return { ...without(object, 'status'), metadata: undefined };
}

/** Kubernetes docs, "Pod Quality of Service Classes": what the pod's requests and limits make of it. */
export function qosClass(pod: KubeObject): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const spec = record(pod['spec']);
  const containers = [...records(spec['containers']), ...records(spec['initContainers'])];
  const resources = containers.map((container) => record(container['resources']));
  const amounts = (part: Fields): readonly string[] => ['cpu', 'memory'].filter((name) => !isZero(record(part)[name]));
  const isBestEffort = resources.every((own) => amounts(record(own['requests'])).length + amounts(record(own['limits'])).length === 0);
  if (isBestEffort) return 'BestEffort';
  const isGuaranteed = resources.every((own) => {
    const limits = record(own['limits']);
    const requests = record(own['requests']);
    return (
      amounts(limits).length === 2 && ['cpu', 'memory'].every((name) => String(requests[name] ?? limits[name]) === String(limits[name]))
    );
  });
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

function isZero(amount: unknown): boolean {
  return amount === undefined || /^0+(\.0*)?[a-zA-Z]*$/.test(text(amount) ?? String(amount));
}
