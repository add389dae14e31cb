/** Rules of roles and role bindings. */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacV1Subject, Role, RoleBinding, RoleRef } from '../../generated/types.js';
import { isSame, dnsSubdomain, pathSegment } from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, Each, Nested, NotEmpty, OneOf, Required, Whole } from '../rule-class.js';
import { LabelSelectorRules } from './meta.js';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** A rule speaks about resources or about URLs; URLs belong to no namespace. */
function policyRule(clusterWide: boolean): Rule<PolicyRule> {
  return (rule, at) => {
    const urls = rule.nonResourceURLs ?? [];
    if (urls.length > 0) {
      const place = at.field('nonResourceURLs');
      if (!clusterWide) place.invalid(urls, 'namespaced rules cannot apply to non-resource URLs');
      const others = [rule.apiGroups, rule.resources, rule.resourceNames].some((list) => (list ?? []).length > 0);
      if (others) place.invalid(urls, 'rules cannot apply to both regular resources and non-resource URLs');
      return;
    }
    if ((rule.apiGroups ?? []).length === 0) at.field('apiGroups').required('resource rules must supply at least one api group');
    if ((rule.resources ?? []).length === 0) at.field('resources').required('resource rules must supply at least one resource');
  };
}

@Whole(policyRule(false))
class RoleRuleRules {
  @NotEmpty('verbs must contain at least one value') readonly verbs?: PolicyRule['verbs'];
}

@Whole(policyRule(true))
class ClusterRoleRuleRules {
  @NotEmpty('verbs must contain at least one value') readonly verbs?: PolicyRule['verbs'];
}

export class RoleRules {
  @Each(() => RoleRuleRules) readonly rules?: Role['rules'];
}

class AggregationRules {
  @NotEmpty('at least one clusterRoleSelector required if aggregationRule is non-nil')
  @Each(() => LabelSelectorRules)
  readonly clusterRoleSelectors?: NonNullable<ClusterRole['aggregationRule']>['clusterRoleSelectors'];
}

export class ClusterRoleRules {
  @Each(() => ClusterRoleRuleRules) readonly rules?: ClusterRole['rules'];
  @Nested(() => AggregationRules) readonly aggregationRule?: ClusterRole['aggregationRule'];
}

class RoleRefRules {
  @OneOf(RBAC_GROUP) readonly apiGroup?: RoleRef['apiGroup'];
  @OneOf('Role', 'ClusterRole') readonly kind?: RoleRef['kind'];
  @Required()
  @Check(pathSegment)
  readonly name?: RoleRef['name'];
}

class ClusterRoleRefRules {
  @OneOf(RBAC_GROUP) readonly apiGroup?: RoleRef['apiGroup'];
  @OneOf('ClusterRole') readonly kind?: RoleRef['kind'];
  @Required()
  @Check(pathSegment)
  readonly name?: RoleRef['name'];
}

function subject(namespaced: boolean): Rule<RbacV1Subject> {
  return (who, at) => {
    const group = who.apiGroup ?? '';
    if (who.kind === 'ServiceAccount') {
      if ((who.name ?? '') !== '') dnsSubdomain(who.name, at.field('name'));
      if (group !== '') at.field('apiGroup').unsupported(group, ['']);
      if (!namespaced && (who.namespace ?? '') === '') at.field('namespace').required();
    } else if (who.kind === 'User' || who.kind === 'Group') {
      if (group !== RBAC_GROUP) at.field('apiGroup').unsupported(group, [RBAC_GROUP]);
    } else at.field('kind').unsupported(who.kind, ['ServiceAccount', 'User', 'Group']);
  };
}

@Whole(subject(true))
class SubjectRules {
  @Required() readonly name?: RbacV1Subject['name'];
}

@Whole(subject(false))
class ClusterSubjectRules {
  @Required() readonly name?: RbacV1Subject['name'];
}

export class RoleBindingRules {
  @Required()
  @Nested(() => RoleRefRules)
  readonly roleRef?: RoleBinding['roleRef'];
  @Each(() => SubjectRules) readonly subjects?: RoleBinding['subjects'];
}

export class ClusterRoleBindingRules {
  @Required()
  @Nested(() => ClusterRoleRefRules)
  readonly roleRef?: ClusterRoleBinding['roleRef'];
  @Each(() => ClusterSubjectRules) readonly subjects?: ClusterRoleBinding['subjects'];
}

/** Whom a binding speaks of may change; what it grants may not. */
export function bindingUpdate(binding: RoleBinding, old: RoleBinding, at: Place): void {
  if (!isSame(binding.roleRef, old.roleRef)) at.field('roleRef').invalid(binding.roleRef, 'cannot change roleRef');
}
