/** Rules of where pods may run: tolerations, affinity, spreading. */
import type {
  Affinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  PreferredSchedulingTerm,
  Toleration,
  TopologySpreadConstraint,
  WeightedPodAffinityTerm,
} from '../../generated/types.js';
import { isLabelValue } from '../checks/names.js';
import { between, qualifiedName } from '../checks/values.js';
import type { Rule } from '../place.js';
import { Check, Each, Nested, NotEmpty, OneOf, Required, Whole, compiled } from '../rule-class.js';
import { LabelSelectorRules } from './meta.js';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

/** How operator and value go together; errors about the value stand at the operator, as in Kubernetes. */
const toleration: Rule<Toleration> = (item, at) => {
  const operator = item.operator ?? '';
  const place = at.field('operator');
  if ((item.key ?? '') === '' && operator !== 'Exists') {
    place.invalid(operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"');
  }
  if (item.tolerationSeconds !== undefined && item.effect !== 'NoExecute') {
    at.field('effect').invalid(item.effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (operator === 'Equal' || operator === '') {
    const messages = isLabelValue(item.value ?? '');
    if (messages.length > 0) place.invalid(item.value, messages.join(';'));
  } else if (operator === 'Exists') {
    if ((item.value ?? '') !== '') place.invalid(item, "value must be empty when `operator` is 'Exists'");
  } else place.unsupported(operator, ['Equal', 'Exists']);
};

@Whole(toleration)
export class TolerationRules {
  @Check(qualifiedName) readonly key?: Toleration['key'];
  @OneOf(...effects) readonly effect?: Toleration['effect'];
}

/** A list of integers written as texts: `Gt` and `Lt` compare one. */
const nodeRequirement: Rule<NodeSelectorRequirement> = (term, at) => {
  const values = term.values ?? [];
  const place = at.field('values');
  if (term.operator === 'In' || term.operator === 'NotIn') {
    if (values.length === 0) place.required("must be specified when `operator` is 'In' or 'NotIn'");
  } else if (term.operator === 'Exists' || term.operator === 'DoesNotExist') {
    if (values.length > 0) place.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else if (term.operator === 'Gt' || term.operator === 'Lt') {
    if (values.length !== 1) place.required("must be specified single value when `operator` is 'Lt' or 'Gt'");
  } else at.field('operator').invalid(term.operator, 'not a valid selector operator');
};

@Whole(nodeRequirement)
class NodeExpressionRules {
  @Required()
  @Check(qualifiedName)
  readonly key?: NodeSelectorRequirement['key'];
}

@Whole<NodeSelectorRequirement>(nodeRequirement)
class NodeFieldRules {
  @Required()
  @OneOf('metadata.name')
  readonly key?: NodeSelectorRequirement['key'];
}

class NodeTermRules {
  @Each(() => NodeExpressionRules) readonly matchExpressions?: NodeSelectorTerm['matchExpressions'];
  @Each(() => NodeFieldRules) readonly matchFields?: NodeSelectorTerm['matchFields'];
}

export class NodeSelectorRules {
  @NotEmpty('must have at least one node selector term')
  @Each(() => NodeTermRules)
  readonly nodeSelectorTerms?: readonly NodeSelectorTerm[];
}

const weight = between(1, 100);

class PreferredNodeRules {
  @Check<number>((value, at) => {
    if (value <= 0 || value > 100) at.invalid(value, 'must be in the range 1-100');
  })
  readonly weight?: PreferredSchedulingTerm['weight'];
  @Nested(() => NodeTermRules) readonly preference?: PreferredSchedulingTerm['preference'];
}

class NodeAffinityRules {
  @Nested(() => NodeSelectorRules) readonly requiredDuringSchedulingIgnoredDuringExecution?: object;
  @Each(() => PreferredNodeRules) readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly PreferredSchedulingTerm[];
}

class AffinityTermRules {
  @Required('can not be empty')
  @Check(qualifiedName)
  readonly topologyKey?: PodAffinityTerm['topologyKey'];
  @Nested(() => LabelSelectorRules) readonly labelSelector?: PodAffinityTerm['labelSelector'];
  @Nested(() => LabelSelectorRules) readonly namespaceSelector?: PodAffinityTerm['namespaceSelector'];
}

class WeightedTermRules {
  @Check(weight) readonly weight?: WeightedPodAffinityTerm['weight'];
  @Nested(() => AffinityTermRules) readonly podAffinityTerm?: WeightedPodAffinityTerm['podAffinityTerm'];
}

class PodAffinityRules {
  @Each(() => AffinityTermRules) readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly PodAffinityTerm[];
  @Each(() => WeightedTermRules) readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly WeightedPodAffinityTerm[];
}

export class AffinityRules {
  @Nested(() => NodeAffinityRules) readonly nodeAffinity?: Affinity['nodeAffinity'];
  @Nested(() => PodAffinityRules) readonly podAffinity?: Affinity['podAffinity'];
  @Nested(() => PodAffinityRules) readonly podAntiAffinity?: Affinity['podAntiAffinity'];
}

const domains: Rule<TopologySpreadConstraint> = (constraint, at) => {
  const { minDomains, whenUnsatisfiable } = constraint;
  if (minDomains === undefined) return;
  if (minDomains <= 0) at.field('minDomains').invalid(minDomains, 'must be greater than 0');
  if (whenUnsatisfiable !== 'DoNotSchedule') {
    const only = 'can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ';
    at.field('minDomains').invalid(minDomains, only + whenUnsatisfiable);
  }
};

@Whole(domains)
class SpreadRules {
  @Check<number>((skew, at) => {
    if (skew <= 0) at.invalid(skew, 'must be greater than zero');
  })
  readonly maxSkew?: TopologySpreadConstraint['maxSkew'];
  @Required('can not be empty')
  @Check(qualifiedName)
  readonly topologyKey?: TopologySpreadConstraint['topologyKey'];
  @Required()
  @OneOf('DoNotSchedule', 'ScheduleAnyway')
  readonly whenUnsatisfiable?: TopologySpreadConstraint['whenUnsatisfiable'];
  @OneOf('Honor', 'Ignore') readonly nodeAffinityPolicy?: TopologySpreadConstraint['nodeAffinityPolicy'];
  @OneOf('Honor', 'Ignore') readonly nodeTaintsPolicy?: TopologySpreadConstraint['nodeTaintsPolicy'];
  @Nested(() => LabelSelectorRules) readonly labelSelector?: TopologySpreadConstraint['labelSelector'];
}

/** Two constraints on one topology must differ in what they do when it cannot be kept. */
const differentPairs: Rule<readonly TopologySpreadConstraint[]> = (list, at) => {
  const seen = new Set<string>();
  for (const [index, { topologyKey, whenUnsatisfiable }] of list.entries()) {
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) at.index(index).field('{topologyKey, whenUnsatisfiable}').duplicate(pair);
    seen.add(pair);
  }
};

/** Each constraint by itself, and against the others. */
export const spreadConstraints: Rule<readonly TopologySpreadConstraint[]> = (list, at) => {
  const check = compiled(SpreadRules);
  for (const [index, constraint] of list.entries()) check(constraint, at.index(index));
  differentPairs(list, at);
};
