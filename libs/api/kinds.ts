/** The table of built-in kinds: what discovery, the registry, the store keys and the CLI are driven by. */
import { generatedKinds } from './generated/kinds.js';
import type { GroupResource, GroupVersionResource } from './object.js';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';
export type Subresource =
  | 'status'
  | 'scale'
  | 'binding'
  | 'eviction'
  | 'log'
  | 'exec'
  | 'attach'
  | 'portforward'
  | 'proxy'
  | 'token'
  | 'ephemeralcontainers'
  | 'resize'
  | 'finalize'
  | 'approval';

/** One served (group, version, resource). Kinds served in several versions have one row each and one stored form. */
export interface KindInfo extends GroupVersionResource {
  readonly kind: string;
  /** `pod`; also accepted by kubectl. */
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  /** `all` and such, as `kubectl get all` expands. */
  readonly categories: readonly string[];
  /** As discovery lists them. Review kinds have `create` only and are never stored (`stored: false`). */
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** Name of the generated type, e.g. `Pod` or `V2HorizontalPodAutoscaler`; absent where client-node has none. */
  readonly schema?: string | undefined;
  /** Version that the store keeps; other versions are converted on the way in and out. */
  readonly storageVersion: string;
  /** Group under whose prefix the store keeps it: the row's own, except for `events.k8s.io`, whose events are core events. */
  readonly storageGroup: string;
  /** False for kinds that are answered but not kept (reviews, metrics). */
  readonly stored: boolean;
}

/** What the generator derives from client-node's request paths; the rest of a row comes from the tables below. */
export interface GeneratedKind extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  readonly schema: string;
}

/** The order in which groups are discovered: it decides which group kubectl takes for a bare resource name. */
const groupOrder: readonly string[] = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'berth.dev',
  'metrics.k8s.io',
];

/** Keyed by `resource.group` (core: `resource`), as the printed names of `kubectl api-resources`. */
const shortNames: Readonly<Record<string, readonly string[]>> = {
  componentstatuses: ['cs'],
  configmaps: ['cm'],
  endpoints: ['ep'],
  events: ['ev'],
  limitranges: ['limits'],
  namespaces: ['ns'],
  nodes: ['no'],
  persistentvolumeclaims: ['pvc'],
  persistentvolumes: ['pv'],
  pods: ['po'],
  replicationcontrollers: ['rc'],
  resourcequotas: ['quota'],
  serviceaccounts: ['sa'],
  services: ['svc'],
  'customresourcedefinitions.apiextensions.k8s.io': ['crd', 'crds'],
  'daemonsets.apps': ['ds'],
  'deployments.apps': ['deploy'],
  'replicasets.apps': ['rs'],
  'statefulsets.apps': ['sts'],
  'horizontalpodautoscalers.autoscaling': ['hpa'],
  'cronjobs.batch': ['cj'],
  'certificatesigningrequests.certificates.k8s.io': ['csr'],
  'events.events.k8s.io': ['ev'],
  'ingresses.networking.k8s.io': ['ing'],
  'ipaddresses.networking.k8s.io': ['ip'],
  'networkpolicies.networking.k8s.io': ['netpol'],
  'poddisruptionbudgets.policy': ['pdb'],
  'priorityclasses.scheduling.k8s.io': ['pc'],
  'storageclasses.storage.k8s.io': ['sc'],
  'volumeattributesclasses.storage.k8s.io': ['vac'],
  'operations.berth.dev': ['op', 'ops'],
};

const categoryMembers: Readonly<Record<string, readonly string[]>> = {
  all: [
    'pods',
    'replicationcontrollers',
    'services',
    'daemonsets.apps',
    'deployments.apps',
    'replicasets.apps',
    'statefulsets.apps',
    'horizontalpodautoscalers.autoscaling',
    'cronjobs.batch',
    'jobs.batch',
  ],
  'api-extensions': [
    'apiservices.apiregistration.k8s.io',
    'customresourcedefinitions.apiextensions.k8s.io',
    'mutatingadmissionpolicies.admissionregistration.k8s.io',
    'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
    'mutatingwebhookconfigurations.admissionregistration.k8s.io',
    'validatingadmissionpolicies.admissionregistration.k8s.io',
    'validatingadmissionpolicybindings.admissionregistration.k8s.io',
    'validatingwebhookconfigurations.admissionregistration.k8s.io',
  ],
};

/** Where the stored form is not the row's own version. Events of both groups are one set of objects. */
const storage: Readonly<Record<string, { readonly group: string; readonly version: string }>> = {
  'horizontalpodautoscalers.autoscaling': { group: 'autoscaling', version: 'v2' },
  'events.events.k8s.io': { group: '', version: 'v1' },
};

/** Answered, not kept: reviews, bindings, health of components that do not exist here, live metrics. */
const notStoredGroups: readonly string[] = ['authentication.k8s.io', 'authorization.k8s.io', 'metrics.k8s.io'];
const notStoredResources: readonly string[] = ['bindings', 'componentstatuses'];

const everyVerb: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Kinds that client-node has no API class for. */
const ownKinds: readonly GeneratedKind[] = [
  {
    group: 'berth.dev',
    version: 'v1alpha1',
    resource: 'operations',
    kind: 'Operation',
    namespaced: false,
    verbs: everyVerb,
    subresources: ['status'],
    schema: 'Operation',
  },
  {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    resource: 'nodes',
    kind: 'NodeMetrics',
    namespaced: false,
    verbs: ['get', 'list'],
    subresources: [],
    schema: 'NodeMetrics',
  },
  {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    resource: 'pods',
    kind: 'PodMetrics',
    namespaced: true,
    verbs: ['get', 'list'],
    subresources: [],
    schema: 'PodMetrics',
  },
];

function complete(row: GeneratedKind): KindInfo {
  const name = qualifiedResource(row);
  const stored = storage[name] ?? row;
  return {
    ...row,
    singular: row.group === 'metrics.k8s.io' ? '' : row.kind.toLowerCase(),
    shortNames: shortNames[name] ?? [],
    categories: Object.keys(categoryMembers).filter((category) => categoryMembers[category]?.includes(name)),
    storageGroup: stored.group,
    storageVersion: stored.version,
    stored: !notStoredGroups.includes(row.group) && !(row.group === '' && notStoredResources.includes(row.resource)),
  };
}

/** Groups in discovery order; within a group the stored (preferred) version first, then by resource name. */
function compareKinds(a: KindInfo, b: KindInfo): number {
  const byGroup = groupOrder.indexOf(a.group) - groupOrder.indexOf(b.group);
  if (byGroup !== 0) return byGroup;
  const byVersion = Number(a.version !== a.storageVersion) - Number(b.version !== b.storageVersion);
  if (byVersion !== 0) return byVersion;
  return a.resource < b.resource ? -1 : 1;
}

const kinds: readonly KindInfo[] = [...generatedKinds, ...ownKinds].map(complete).sort(compareKinds);
const byResource = new Map<string, KindInfo>();
const byVersionedResource = new Map<string, KindInfo>();
const byVersionedKind = new Map<string, KindInfo>();
for (const kind of kinds) {
  const name = qualifiedResource(kind);
  if (!byResource.has(name)) byResource.set(name, kind);
  byVersionedResource.set(`${kind.version}/${name}`, kind);
  byVersionedKind.set(`${apiVersionOf(kind)}/${kind.kind}`, kind);
}

/** Every built-in kind in every served version, in discovery order: groups as Kubernetes orders them, preferred versions first. */
export function allKinds(): readonly KindInfo[] {
  return kinds;
}

/** The row of a served (group, version, resource). */
export function findKind(gvr: GroupVersionResource): KindInfo | undefined {
  return byVersionedResource.get(`${gvr.version}/${qualifiedResource(gvr)}`);
}

/** The row that an object's own words name: `findByKind('apps/v1', 'Deployment')`. */
export function findByKind(apiVersion: string, kind: string): KindInfo | undefined {
  return byVersionedKind.get(`${apiVersion}/${kind}`);
}

/** The preferred version of a resource, which is also the stored one where the group stores it itself. */
export function findByResource(resource: GroupResource): KindInfo | undefined {
  return byResource.get(qualifiedResource(resource));
}

/** `deployments.apps`, core: `pods`. The form in which error texts and `kubectl api-resources -o name` write a resource. */
export function qualifiedResource(resource: GroupResource): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
}

/** `apps/v1`, core: `v1`. */
export function apiVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

/** Store key prefix of a resource, with its final slash: `/registry/pods/`, `/registry/apps/deployments/`. */
export function storePrefix(resource: GroupResource): string {
  return resource.group === '' ? `/registry/${resource.resource}/` : `/registry/${resource.group}/${resource.resource}/`;
}

/** Store key of one object: `/registry/pods/default/web-0`, `/registry/nodes/node-1`. */
export function storeKey(resource: GroupResource, namespace: string | undefined, name: string): string {
  return storePrefix(resource) + (namespace === undefined ? name : `${namespace}/${name}`);
}
