/** Aggregated ClusterRoles: their `rules` are the union of those of the roles that their selectors match (Kubernetes docs, "Aggregated ClusterRoles"). */
import { selectorMatches } from '../../api/index.js';
import type { ClusterRole, KubeObject, PolicyRule, Stored } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, Plan } from '../../reconciling/index.js';
import { canonicalJson } from '../workload/pod-template.js';

type StoredRole = Stored<ClusterRole>;

export const clusterRoleAggregationController: Controller = {
  name: 'clusterrole-aggregation-controller',
  watches: [{ resource: resources.clusterRoles, keys: keysOf }],
  reconcile(view, key) {
    const role = view.get(resources.clusterRoles, undefined, key);
    return role?.aggregationRule === undefined ? { actions: [] } : reconcileAggregation(view, role);
  },
};

/** Any role may be part of any aggregate, before its labels change or after. */
function keysOf(_role: KubeObject, _previous: KubeObject | undefined, view: ClusterView): readonly string[] {
  return view
    .list(resources.clusterRoles)
    .filter((role) => role.aggregationRule !== undefined)
    .map((role) => role.metadata.name);
}

/** Same view, same plan. Rules in the order of the roles' names, each once. */
export function reconcileAggregation(view: ClusterView, role: StoredRole): Plan {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const rules = new Map<string, PolicyRule>();
  for (const other of view.list(resources.clusterRoles)) {
    if (other.metadata.name === role.metadata.name) continue;
    if (!selectors.some((selector) => selectorMatches(selector, other.metadata.labels))) continue;
    for (const rule of other.rules ?? []) rules.set(canonicalJson(rule), rule);
  }
  if (canonicalJson([...rules.values()]) === canonicalJson(role.rules ?? [])) return { actions: [] };
  return { actions: [{ do: 'update', resource: resources.clusterRoles, object: { ...role, rules: [...rules.values()] } }] };
}
