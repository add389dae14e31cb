/** Whether a user may do something: RBAC, evaluated from the roles and bindings in the watch cache. */
import { StatusError, storeKey, storePrefix, type GroupResource, type KubeObject, type PolicyRule } from '../../api/index.js';
import type { WatchCache } from '../../storage/index.js';
import { SYSTEM_MASTERS } from '../authn/authenticate.js';
import type { UserInfo } from '../ports.js';
import { forbidden } from '../status.js';
import { ruleAllows, type Question } from './rules.js';

const rbac = (resource: string): GroupResource => ({ group: 'rbac.authorization.k8s.io', resource });

interface Binding extends KubeObject {
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}
interface Role extends KubeObject {
  readonly rules?: readonly PolicyRule[];
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly { readonly matchLabels?: Readonly<Record<string, string>> }[] };
}

export interface Authorizer {
  /** True where some binding grants it, or the user is in system:masters. */
  allows(user: UserInfo, question: Question): boolean;
  /** Every rule that the user has, cluster-wide and in `namespace`: for SelfSubjectRulesReview. */
  rulesFor(user: UserInfo, namespace: string | undefined): readonly PolicyRule[];
}

export function createAuthorizer(cache: WatchCache): Authorizer {
  const everything: PolicyRule[] = [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ];
  const rulesFor = (user: UserInfo, namespace: string | undefined): readonly PolicyRule[] =>
    user.groups.includes(SYSTEM_MASTERS) ? everything : rulesOf(cache, user, namespace);
  return {
    rulesFor,
    allows: (user, question) => {
      const namespace = question.kind === 'resource' ? question.namespace : undefined;
      return rulesFor(user, namespace).some((rule) => ruleAllows(rule, question));
    },
  };
}

/** Throws Forbidden in Kubernetes' words. */
export function requireAllowed(authorizer: Authorizer, user: UserInfo, question: Question): void {
  if (!authorizer.allows(user, question)) throw refusal(user, question);
}

function refusal(user: UserInfo, question: Question): StatusError {
  if (question.kind === 'path') {
    return new StatusError('Forbidden', `forbidden: User "${user.name}" cannot ${question.verb} path "${question.path}"`, {});
  }
  const named = question.subresource === undefined ? question.resource : `${question.resource}/${question.subresource}`;
  const clusterWide = question.namespace === undefined || question.namespace === '';
  const where = clusterWide ? 'at the cluster scope' : `in the namespace "${question.namespace}"`;
  const why = `User "${user.name}" cannot ${question.verb} resource "${named}" in API group "${question.group}" ${where}`;
  return forbidden(question, question.name ?? '', why);
}

function rulesOf(cache: WatchCache, user: UserInfo, namespace: string | undefined): readonly PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const { object } of cache.list(storePrefix(rbac('clusterrolebindings')))) {
    if (binds(object, user, undefined)) rules.push(...boundRules(cache, object, undefined));
  }
  if (namespace === undefined || namespace === '') return rules;
  for (const { object } of cache.list(`${storePrefix(rbac('rolebindings'))}${namespace}/`)) {
    if (binds(object, user, namespace)) rules.push(...boundRules(cache, object, namespace));
  }
  return rules;
}

function binds(binding: Binding, user: UserInfo, namespace: string | undefined): boolean {
  return (binding.subjects ?? []).some((subject) => {
    if (subject.kind === 'User') return subject.name === user.name;
    if (subject.kind === 'Group') return user.groups.includes(subject.name);
    const home = subject.namespace ?? namespace ?? '';
    return subject.kind === 'ServiceAccount' && user.name === `system:serviceaccount:${home}:${subject.name}`;
  });
}

function boundRules(cache: WatchCache, binding: Binding, namespace: string | undefined): readonly PolicyRule[] {
  const reference = binding.roleRef;
  if (reference === undefined) return [];
  const clusterRole = reference.kind === 'ClusterRole';
  const key = clusterRole ? storeKey(rbac('clusterroles'), undefined, reference.name) : storeKey(rbac('roles'), namespace, reference.name);
  const role: Role | undefined = cache.get(key)?.object;
  return role === undefined ? [] : roleRules(cache, role);
}

/** An aggregated role is the union of the roles that its selectors match, evaluated when asked instead of copied by a controller. */
function roleRules(cache: WatchCache, role: Role): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  const rules: PolicyRule[] = [...(role.rules ?? [])];
  if (selectors === undefined) return rules;
  for (const { object } of cache.list(storePrefix(rbac('clusterroles')))) {
    const labels = object.metadata.labels ?? {};
    const matches = selectors.some((selector) => Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value));
    if (matches && object !== role) rules.push(...((object as Role).rules ?? []));
  }
  return rules;
}
