/** Rules of the kinds that describe the cluster itself: nodes, leases, events, priorities, budgets, operations. */
import type {
  CoreV1Event,
  Lease,
  LeaseSpec,
  Node,
  NodeSpec,
  Operation,
  PodDisruptionBudget,
  PodDisruptionBudgetSpec,
  PriorityClass,
  Taint,
} from '../../generated/types.js';
import { isLabelValue } from '../checks/names.js';
import { cidr, immutable, intOrPercent, isSame, nonNegative, notAboveAll, positive, qualifiedName } from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, Each, EachValue, Nested, OneOf, Required, Whole } from '../rule-class.js';
import { LabelSelectorRules } from './meta.js';

class TaintRules {
  @Required()
  @Check(qualifiedName)
  readonly key?: Taint['key'];
  @Check<string>((value, at) => {
    const messages = isLabelValue(value);
    if (messages.length > 0) at.invalid(value, messages.join(';'));
  })
  readonly value?: Taint['value'];
  @Required()
  @OneOf('NoSchedule', 'PreferNoSchedule', 'NoExecute')
  readonly effect?: Taint['effect'];
}

/** One taint a key and effect. */
const uniqueTaints: Rule<readonly Taint[]> = (taints, at) => {
  const seen = new Set<string>();
  for (const [index, taint] of taints.entries()) {
    const key = `${taint.key}:${taint.effect}`;
    if (seen.has(key)) at.index(index).duplicate(taint);
    seen.add(key);
  }
};

class NodeSpecRules {
  @Each(() => TaintRules)
  @Check(uniqueTaints)
  readonly taints?: NodeSpec['taints'];
  @EachValue(cidr) readonly podCIDRs?: NodeSpec['podCIDRs'];
}

export class NodeRules {
  @Nested(() => NodeSpecRules) readonly spec?: Node['spec'];
}

/** The address range of a node's pods is given once. */
export function nodeUpdate(node: Node, old: Node, at: Place): void {
  const [ranges, before] = [node.spec?.podCIDRs ?? [], old.spec?.podCIDRs ?? []];
  if (before.length > 0 && !isSame(ranges, before)) {
    at.down('spec', 'podCIDRs').forbidden('node updates may not change podCIDR except from "" to valid');
  }
  const [id, oldId] = [node.spec?.providerID ?? '', old.spec?.providerID ?? ''];
  if (oldId !== '' && id !== oldId)
    at.down('spec', 'providerID').forbidden('node updates may not change providerID except from "" to valid');
}

class LeaseSpecRules {
  @Check(positive) readonly leaseDurationSeconds?: LeaseSpec['leaseDurationSeconds'];
  @Check(nonNegative) readonly leaseTransitions?: LeaseSpec['leaseTransitions'];
}

export class LeaseRules {
  @Nested(() => LeaseSpecRules) readonly spec?: Lease['spec'];
}

/** An event lies in the namespace of what it is about; those about cluster-scoped objects lie in `default`. */
const eventNamespace: Rule<CoreV1Event> = (event, at) => {
  const about = event.involvedObject?.namespace ?? '';
  const own = event.metadata?.namespace ?? '';
  const right = about === own || (about === '' && (own === 'default' || own === 'kube-system'));
  if (!right) at.down('involvedObject', 'namespace').invalid(about, 'does not match event.namespace');
};

@Whole(eventNamespace)
export class EventRules {
  readonly involvedObject?: CoreV1Event['involvedObject'];
}

const USER_PRIORITY_MAX = 1_000_000_000;

const reservedPriority: Rule<PriorityClass> = (object, at) => {
  const name = object.metadata?.name ?? '';
  if (name === 'system-node-critical' || name === 'system-cluster-critical') return;
  if (name.startsWith('system-')) {
    at.down('metadata', 'name').forbidden("priority class names with 'system-' prefix are reserved for system use only");
  }
  if ((object.value ?? 0) > USER_PRIORITY_MAX) {
    at.field('value').forbidden(`maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`);
  }
};

@Whole(reservedPriority)
export class PriorityClassRules {
  @OneOf('PreemptLowerPriority', 'Never') readonly preemptionPolicy?: PriorityClass['preemptionPolicy'];
}

export function priorityClassUpdate(object: PriorityClass, old: PriorityClass, at: Place): void {
  if (object.value !== old.value) at.field('value').forbidden('may not be changed in an update.');
  immutable(object.preemptionPolicy, old.preemptionPolicy, at.field('preemptionPolicy'));
}

const oneBound: Rule<PodDisruptionBudgetSpec> = (spec, at) => {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    at.invalid(spec, 'minAvailable and maxUnavailable cannot be both set');
  }
};

@Whole(oneBound)
class BudgetSpecRules {
  @Check<number | string>(intOrPercent, notAboveAll) readonly minAvailable?: PodDisruptionBudgetSpec['minAvailable'];
  @Check<number | string>(intOrPercent, notAboveAll) readonly maxUnavailable?: PodDisruptionBudgetSpec['maxUnavailable'];
  @Nested(() => LabelSelectorRules) readonly selector?: PodDisruptionBudgetSpec['selector'];
  @OneOf('AlwaysAllow', 'IfHealthyBudget') readonly unhealthyPodEvictionPolicy?: PodDisruptionBudgetSpec['unhealthyPodEvictionPolicy'];
}

export class PodDisruptionBudgetRules {
  @Nested(() => BudgetSpecRules) readonly spec?: PodDisruptionBudget['spec'];
}

class OperationSpecRules {
  @Required() readonly type?: Operation['spec']['type'];
}

export class OperationRules {
  @Required()
  @Nested(() => OperationSpecRules)
  readonly spec?: Operation['spec'];
}

/** What an operation does was settled when it was asked for; only the wish to stop it may come later, and stays for that attempt. */
export function operationUpdate(operation: Partial<Operation>, old: Partial<Operation>, at: Place): void {
  const [spec, before] = [operation.spec, old.spec];
  immutable(spec?.type, before?.type, at.down('spec', 'type'));
  immutable(spec?.parameters, before?.parameters, at.down('spec', 'parameters'));
  const [attempt, attemptBefore] = [spec?.attempt ?? 1, before?.attempt ?? 1];
  if (attempt < attemptBefore) at.down('spec', 'attempt').forbidden('attempts only go up');
  if (before?.cancel === true && spec?.cancel !== true && attempt === attemptBefore) {
    at.down('spec', 'cancel').forbidden('an operation that was cancelled stays cancelled; raise spec.attempt to run it again');
  }
}
