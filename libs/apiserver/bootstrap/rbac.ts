/** The roles and bindings that a cluster starts with, after Kubernetes docs, "Using RBAC Authorization: Default roles and role bindings". */
import type { KubeObject, PolicyRule } from '../../api/index.js';

const GROUP = 'rbac.authorization.k8s.io';
const API_VERSION = `${GROUP}/v1`;
const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];

function rule(apiGroup: string, resources: readonly string[], verbs: readonly string[]): PolicyRule {
  return { apiGroups: [apiGroup], resources, verbs };
}

function clusterRole(name: string, rules: readonly PolicyRule[], labels: Readonly<Record<string, string>> = {}): KubeObject {
  return { apiVersion: API_VERSION, kind: 'ClusterRole', metadata: { name, labels: { ...LABELS, ...labels } }, rules };
}

/** A role that is the union of those labelled for it: administrators extend it by labelling their own. */
function aggregatedRole(name: string, labels: Readonly<Record<string, string>> = {}): KubeObject {
  const selector = { matchLabels: { [`${GROUP}/aggregate-to-${name}`]: 'true' } };
  return { ...clusterRole(name, [], labels), aggregationRule: { clusterRoleSelectors: [selector] } };
}

const aggregateTo = (role: string): Readonly<Record<string, string>> => ({ [`${GROUP}/aggregate-to-${role}`]: 'true' });

const workloads = [
  'daemonsets',
  'deployments',
  'deployments/scale',
  'replicasets',
  'replicasets/scale',
  'statefulsets',
  'statefulsets/scale',
];
const coreObjects = [
  'configmaps',
  'endpoints',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'replicationcontrollers/scale',
  'services',
];

const viewRules: readonly PolicyRule[] = [
  rule(
    '',
    [...coreObjects, 'serviceaccounts', 'bindings', 'events', 'limitranges', 'namespaces', 'namespaces/status', 'pods/log', 'pods/status'],
    READ,
  ),
  rule(
    '',
    ['persistentvolumeclaims/status', 'replicationcontrollers/status', 'resourcequotas', 'resourcequotas/status', 'services/status'],
    READ,
  ),
  rule('discovery.k8s.io', ['endpointslices'], READ),
  rule(
    'apps',
    [...workloads, 'controllerrevisions', 'daemonsets/status', 'deployments/status', 'replicasets/status', 'statefulsets/status'],
    READ,
  ),
  rule('autoscaling', ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'], READ),
  rule('batch', ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'], READ),
  rule('policy', ['poddisruptionbudgets', 'poddisruptionbudgets/status'], READ),
  rule('networking.k8s.io', ['ingresses', 'ingresses/status', 'networkpolicies'], READ),
  rule('metrics.k8s.io', ['pods', 'nodes'], ['get', 'list', 'watch']),
];

const editRules: readonly PolicyRule[] = [
  rule('', ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], READ),
  rule('', ['serviceaccounts'], ['impersonate']),
  rule('', ['pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'pods/eviction'], WRITE),
  rule('', [...coreObjects, 'secrets', 'serviceaccounts', 'services/proxy', 'events'], WRITE),
  rule('', ['serviceaccounts/token'], ['create']),
  rule('apps', [...workloads, 'deployments/rollback'], WRITE),
  rule('autoscaling', ['horizontalpodautoscalers'], WRITE),
  rule('batch', ['cronjobs', 'jobs'], WRITE),
  rule('policy', ['poddisruptionbudgets'], WRITE),
  rule('networking.k8s.io', ['ingresses', 'networkpolicies'], WRITE),
  rule('coordination.k8s.io', ['leases'], [...READ, ...WRITE]),
];

const adminRules: readonly PolicyRule[] = [
  rule('authorization.k8s.io', ['localsubjectaccessreviews'], ['create']),
  rule(GROUP, ['roles', 'rolebindings'], [...READ, ...WRITE]),
];

const discoveryPaths = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];
const publicPaths = ['/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*', '/version', '/version/'];

/** What an agent that speaks to the API itself may do. The agents of this cluster go through the gateway instead. */
const nodeRules: readonly PolicyRule[] = [
  rule('authentication.k8s.io', ['tokenreviews'], ['create']),
  rule('authorization.k8s.io', ['localsubjectaccessreviews', 'subjectaccessreviews'], ['create']),
  rule('', ['services', 'nodes', 'pods', 'endpoints'], READ),
  rule('', ['nodes'], ['create', 'patch', 'update']),
  rule('', ['nodes/status', 'pods/status'], ['patch', 'update']),
  rule('', ['pods'], ['create', 'delete']),
  rule('', ['events'], ['create', 'patch', 'update']),
  rule('', ['configmaps', 'secrets', 'persistentvolumeclaims', 'persistentvolumes'], READ),
  rule('', ['serviceaccounts/token'], ['create']),
  rule('coordination.k8s.io', ['leases'], ['create', 'delete', 'get', 'patch', 'update']),
];

const everything: readonly PolicyRule[] = [rule('*', ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }];

export const bootstrapRoles: readonly KubeObject[] = [
  clusterRole('cluster-admin', everything),
  clusterRole('system:discovery', [{ nonResourceURLs: discoveryPaths, verbs: ['get'] }]),
  clusterRole('system:public-info-viewer', [{ nonResourceURLs: publicPaths, verbs: ['get'] }]),
  clusterRole('system:basic-user', [
    rule('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
    rule('authentication.k8s.io', ['selfsubjectreviews'], ['create']),
  ]),
  aggregatedRole('admin'),
  aggregatedRole('edit', aggregateTo('admin')),
  aggregatedRole('view', aggregateTo('edit')),
  clusterRole('system:aggregate-to-admin', adminRules, aggregateTo('admin')),
  clusterRole('system:aggregate-to-edit', editRules, { ...aggregateTo('edit'), ...aggregateTo('admin') }),
  clusterRole('system:aggregate-to-view', viewRules, { ...aggregateTo('view'), ...aggregateTo('edit'), ...aggregateTo('admin') }),
  clusterRole('system:node', nodeRules),
  clusterRole('system:auth-delegator', [
    rule('authentication.k8s.io', ['tokenreviews'], ['create']),
    rule('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
  ]),
  clusterRole('system:monitoring', [{ nonResourceURLs: [...publicPaths, '/metrics', '/metrics/*'], verbs: ['get'] }]),
  clusterRole('system:kube-scheduler', [
    rule('*', ['*'], READ),
    rule('', ['bindings', 'pods/binding'], ['create']),
    rule('', ['pods/status'], ['patch', 'update']),
  ]),
  clusterRole('system:kube-controller-manager', everything),
];

function clusterRoleBinding(name: string, role: string, groups: readonly string[], users: readonly string[] = []): KubeObject {
  const subject = (kind: string) => (subjectName: string) => ({ kind, name: subjectName, apiGroup: GROUP });
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels: LABELS },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
    subjects: [...groups.map(subject('Group')), ...users.map(subject('User'))],
  };
}

export const bootstrapBindings: readonly KubeObject[] = [
  clusterRoleBinding('cluster-admin', 'cluster-admin', ['system:masters']),
  clusterRoleBinding('system:discovery', 'system:discovery', ['system:authenticated']),
  clusterRoleBinding('system:basic-user', 'system:basic-user', ['system:authenticated']),
  clusterRoleBinding('system:public-info-viewer', 'system:public-info-viewer', ['system:authenticated', 'system:unauthenticated']),
  clusterRoleBinding('system:monitoring', 'system:monitoring', ['system:monitoring']),
  clusterRoleBinding('system:kube-scheduler', 'system:kube-scheduler', [], ['system:kube-scheduler']),
  clusterRoleBinding('system:kube-controller-manager', 'system:kube-controller-manager', [], ['system:kube-controller-manager']),
];
