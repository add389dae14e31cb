/** Kubernetes docs, "Privilege escalation prevention": nobody hands out permissions that he does not hold himself. */
import { storeKey, type KubeObject, type PolicyRule } from '../../api/index.js';
import { createAuthorizer, type Authorizer } from '../authz/authorizer.js';
import { missingRules } from '../authz/covers.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { record, sameData, text } from '../registry/object.js';
import { forbidden } from '../status.js';
import type { AdmissionRule } from './admit.js';

const GROUP = 'rbac.authorization.k8s.io';

export const roleEscalation: AdmissionRule = {
  name: 'RoleEscalation',
  actions: ['CREATE', 'UPDATE'],
  resources: [`${GROUP}/roles`, `${GROUP}/clusterroles`],
  admit: (context, operation, { object, old }) => {
    if (object === undefined) return object;
    if (old !== undefined && sameData(old['rules'], object['rules']) && sameData(old['aggregationRule'], object['aggregationRule']))
      return object;
    const authorizer = createAuthorizer(context.cache);
    if (mayDo(authorizer, operation, { verb: 'escalate', resource: operation.kind.resource, name: object.metadata.name })) return object;
    // An aggregate can become any role, so only those who hold everything may write one.
    const wanted = object['aggregationRule'] === undefined ? rulesOf(object) : everything;
    refuseMissing(authorizer, operation, object, wanted);
    return object;
  },
};

export const bindingEscalation: AdmissionRule = {
  name: 'BindingEscalation',
  actions: ['CREATE', 'UPDATE'],
  resources: [`${GROUP}/rolebindings`, `${GROUP}/clusterrolebindings`],
  admit: (context, operation, { object, old }) => {
    if (object === undefined) return object;
    if (old !== undefined && sameData(old['roleRef'], object['roleRef']) && sameData(old['subjects'], object['subjects'])) return object;
    const reference = record(object['roleRef']);
    const name = text(reference['name']) ?? '';
    const resource = reference['kind'] === 'ClusterRole' ? 'clusterroles' : 'roles';
    const authorizer = createAuthorizer(context.cache);
    if (mayDo(authorizer, operation, { verb: 'bind', resource, name })) return object;
    refuseMissing(authorizer, operation, object, referencedRules(context, operation, resource, name));
    return object;
  },
};

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

interface Permission {
  readonly verb: 'bind' | 'escalate';
  readonly resource: string;
  readonly name: string | undefined;
}

function mayDo(authorizer: Authorizer, { user, namespace }: Operation, permission: Permission): boolean {
  return authorizer.allows(user, { kind: 'resource', group: GROUP, namespace, ...permission });
}

function rulesOf(role: KubeObject | undefined): readonly PolicyRule[] {
  return (role?.['rules'] as readonly PolicyRule[] | undefined) ?? []; // of a role, which was decoded by its schema
}

/** A role that does not exist yet grants nothing that could be compared: only `bind` gets there. */
function referencedRules(context: ApiContext, operation: Operation, resource: string, name: string): readonly PolicyRule[] {
  const namespace = resource === 'roles' ? operation.namespace : undefined;
  const role = context.cache.get(storeKey({ group: GROUP, resource }, namespace, name))?.object;
  return role === undefined ? everything : rulesOf(role);
}

function refuseMissing(authorizer: Authorizer, operation: Operation, object: KubeObject, wanted: readonly PolicyRule[]): void {
  const { user, namespace, kind } = operation;
  const missing = missingRules(authorizer.rulesFor(user, namespace), wanted);
  if (missing.length === 0) return;
  const who = `user ${JSON.stringify(user.name)} (groups=[${user.groups.map((group) => JSON.stringify(group)).join(' ')}])`;
  const what = missing.map(describe).join('\n');
  throw forbidden(kind, object.metadata.name ?? '', `${who} is attempting to grant RBAC permissions not currently held:\n${what}`);
}

/** As kubectl's users know it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
function describe({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['NonResourceURLs', nonResourceURLs],
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ];
  const shown = parts.filter(([, values]) => (values ?? []).length > 0);
  return `{${shown.map(([name, values]) => `${name}:[${(values ?? []).map((value) => JSON.stringify(value)).join(' ')}]`).join(', ')}}`;
}
