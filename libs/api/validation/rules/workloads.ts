/** Rules of the workload kinds of `apps/v1`. */
import type {
  DaemonSet,
  DaemonSetSpec,
  DaemonSetUpdateStrategy,
  Deployment,
  DeploymentSpec,
  DeploymentStrategy,
  LabelSelector,
  PodTemplate,
  PodTemplateSpec,
  ReplicaSet,
  ReplicaSetSpec,
  ReplicationController,
  ReplicationControllerSpec,
  StatefulSet,
  StatefulSetSpec,
  StatefulSetUpdateStrategy,
} from '../../generated/types.js';
import { selectorMatches } from '../../selectors/label-selector.js';
import { dns1035Label, immutable, intOrPercent, isSame, nonNegative, notAboveAll } from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, Nested, OneOf, Required, Whole } from '../rule-class.js';
import { isEmptySelector, LabelSelectorRules } from './meta.js';
import { PodTemplateRules } from './pod.js';

interface Selecting {
  readonly selector?: LabelSelector | undefined;
  readonly template?: PodTemplateSpec | undefined;
}

/** A controller must find the pods that it makes, and must not find all others. `word` is the kind in Kubernetes' message. */
export function selectsItsTemplate(word: string): Rule<Selecting> {
  return ({ selector, template }, at) => {
    const labels = template?.metadata?.labels;
    if (selector !== undefined && isEmptySelector(selector)) {
      at.field('selector').invalid(selector, `empty selector is invalid for ${word}`);
    } else if (!selectorMatches(selector, labels ?? {})) {
      // No selector at all selects nothing, so not this template either.
      at.down('template', 'metadata', 'labels').invalid(labels ?? null, '`selector` does not match template `labels`');
    }
  };
}

/** Pods of these kinds run for ever. `owner` is the name in Kubernetes' message. */
function runsForEver(owner: string): Rule<Selecting> {
  return ({ template }, at) => {
    const spec = template?.spec;
    const place = at.down('template', 'spec');
    if (spec === undefined) return;
    if (spec.restartPolicy !== 'Always') place.field('restartPolicy').unsupported(spec.restartPolicy ?? '', ['Always']);
    if (spec.activeDeadlineSeconds !== undefined) {
      place.field('activeDeadlineSeconds').forbidden(`activeDeadlineSeconds in ${owner} is not Supported`);
    }
  };
}

/** The whole number behind `3`, `0` or `"0%"`; other percentages depend on the replicas. */
function isZero(value: number | string | undefined): boolean {
  return value === 0 || (typeof value === 'string' && /^0+%$/.test(value));
}

class RollingUpdateRules {
  @Check<number | string>(intOrPercent, notAboveAll) readonly maxUnavailable?: number | string;
  @Check(intOrPercent) readonly maxSurge?: number | string;
}

const deploymentStrategy: Rule<DeploymentStrategy> = (strategy, at) => {
  const place = at.field('rollingUpdate');
  if (strategy.type === 'Recreate' && strategy.rollingUpdate !== undefined) {
    place.forbidden("may not be specified when strategy `type` is 'Recreate'");
  }
  if (strategy.type !== 'RollingUpdate') return;
  const update = strategy.rollingUpdate;
  if (update === undefined) place.required('this should be defaulted and never be nil');
  else if (isZero(update.maxUnavailable) && isZero(update.maxSurge)) {
    place.field('maxUnavailable').invalid(update.maxUnavailable, 'may not be 0 when `maxSurge` is 0');
  }
};

@Whole(deploymentStrategy)
class DeploymentStrategyRules {
  @Required()
  @OneOf('Recreate', 'RollingUpdate')
  readonly type?: DeploymentStrategy['type'];
  @Nested(() => RollingUpdateRules) readonly rollingUpdate?: DeploymentStrategy['rollingUpdate'];
}

const deadlineAfterReadiness: Rule<DeploymentSpec> = (spec, at) => {
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  if (deadline !== undefined && deadline <= minReadySeconds) {
    at.field('progressDeadlineSeconds').invalid(deadline, 'must be greater than minReadySeconds');
  }
};

@Whole<DeploymentSpec>(selectsItsTemplate('deployment'), runsForEver('ReplicaSet'), deadlineAfterReadiness)
class DeploymentSpecRules {
  @Check(nonNegative) readonly replicas?: DeploymentSpec['replicas'];
  @Required()
  @Nested(() => LabelSelectorRules)
  readonly selector?: DeploymentSpec['selector'];
  @Required()
  @Nested(() => PodTemplateRules)
  readonly template?: DeploymentSpec['template'];
  @Nested(() => DeploymentStrategyRules) readonly strategy?: DeploymentSpec['strategy'];
  @Check(nonNegative) readonly minReadySeconds?: DeploymentSpec['minReadySeconds'];
  @Check(nonNegative) readonly revisionHistoryLimit?: DeploymentSpec['revisionHistoryLimit'];
  @Check(nonNegative) readonly progressDeadlineSeconds?: DeploymentSpec['progressDeadlineSeconds'];
}

export class DeploymentRules {
  @Required()
  @Nested(() => DeploymentSpecRules)
  readonly spec?: Deployment['spec'];
}

@Whole<ReplicaSetSpec>(selectsItsTemplate('deployment'), runsForEver('ReplicaSet'))
class ReplicaSetSpecRules {
  @Check(nonNegative) readonly replicas?: ReplicaSetSpec['replicas'];
  @Check(nonNegative) readonly minReadySeconds?: ReplicaSetSpec['minReadySeconds'];
  @Required()
  @Nested(() => LabelSelectorRules)
  readonly selector?: ReplicaSetSpec['selector'];
  @Nested(() => PodTemplateRules) readonly template?: ReplicaSetSpec['template'];
}

export class ReplicaSetRules {
  @Required()
  @Nested(() => ReplicaSetSpecRules)
  readonly spec?: ReplicaSet['spec'];
}

/** Its selector is a plain map of labels. */
const controllerSelects: Rule<ReplicationControllerSpec> = ({ selector = {}, template }, at) => {
  if (Object.keys(selector).length === 0) at.field('selector').required();
  const labels = template?.metadata?.labels ?? {};
  if (template !== undefined && Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
    at.down('template', 'metadata', 'labels').invalid(labels, '`selector` does not match template `labels`');
  }
};

@Whole(controllerSelects)
class ReplicationControllerSpecRules {
  @Check(nonNegative) readonly replicas?: ReplicationControllerSpec['replicas'];
  @Check(nonNegative) readonly minReadySeconds?: ReplicationControllerSpec['minReadySeconds'];
  @Required()
  @Nested(() => PodTemplateRules)
  readonly template?: ReplicationControllerSpec['template'];
}

export class ReplicationControllerRules {
  @Required()
  @Nested(() => ReplicationControllerSpecRules)
  readonly spec?: ReplicationController['spec'];
}

export class PodTemplateObjectRules {
  @Required()
  @Nested(() => PodTemplateRules)
  readonly template?: PodTemplate['template'];
}

interface WithSelector {
  readonly spec?: Selecting | undefined;
}

/** The pods that a controller owns are those that it selects: the selector can never change. */
export function selectorUpdate(object: WithSelector, old: WithSelector, at: Place): void {
  immutable(object.spec?.selector, old.spec?.selector, at.down('spec', 'selector'));
}

const daemonSetStrategy: Rule<DaemonSetUpdateStrategy> = (strategy, at) => {
  if (strategy.type !== 'RollingUpdate') return;
  const place = at.field('rollingUpdate');
  const update = strategy.rollingUpdate;
  if (update === undefined) return place.required();
  const [noneDown, noneMore] = [isZero(update.maxUnavailable), isZero(update.maxSurge)];
  if (noneDown && noneMore) place.field('maxUnavailable').required('cannot be 0 when maxSurge is 0');
  else if (!noneDown && !noneMore && update.maxSurge !== undefined) {
    place.field('maxSurge').invalid(update.maxSurge, 'may not be set when maxUnavailable is non-zero');
  }
};

@Whole(daemonSetStrategy)
class DaemonSetStrategyRules {
  @Required()
  @OneOf('RollingUpdate', 'OnDelete')
  readonly type?: DaemonSetUpdateStrategy['type'];
  @Nested(() => RollingUpdateRules) readonly rollingUpdate?: DaemonSetUpdateStrategy['rollingUpdate'];
}

@Whole<DaemonSetSpec>(selectsItsTemplate('daemonset'), runsForEver('DaemonSet'))
class DaemonSetSpecRules {
  @Required()
  @Nested(() => LabelSelectorRules)
  readonly selector?: DaemonSetSpec['selector'];
  @Required()
  @Nested(() => PodTemplateRules)
  readonly template?: DaemonSetSpec['template'];
  @Nested(() => DaemonSetStrategyRules) readonly updateStrategy?: DaemonSetSpec['updateStrategy'];
  @Check(nonNegative) readonly minReadySeconds?: DaemonSetSpec['minReadySeconds'];
  @Check(nonNegative) readonly revisionHistoryLimit?: DaemonSetSpec['revisionHistoryLimit'];
}

export class DaemonSetRules {
  @Required()
  @Nested(() => DaemonSetSpecRules)
  readonly spec?: DaemonSet['spec'];
}

const statefulSetStrategy: Rule<StatefulSetUpdateStrategy> = (strategy, at) => {
  const update = strategy.rollingUpdate;
  if (strategy.type === 'OnDelete' && update !== undefined) {
    at.field('rollingUpdate').invalid(update, "only allowed for updateStrategy 'RollingUpdate'");
  } else if (strategy.type === 'RollingUpdate' && update?.partition !== undefined) {
    nonNegative(update.partition, at.field('rollingUpdate').field('partition'));
  } else if (strategy.type !== 'OnDelete' && strategy.type !== 'RollingUpdate') {
    at.invalid(strategy, "must be 'RollingUpdate' or 'OnDelete'");
  }
};

@Whole<StatefulSetSpec>(selectsItsTemplate('statefulset'), runsForEver('StatefulSet'))
class StatefulSetSpecRules {
  @Required()
  @Check<string>((policy, at) => {
    if (policy !== 'OrderedReady' && policy !== 'Parallel') at.invalid(policy, "must be 'OrderedReady' or 'Parallel'");
  })
  readonly podManagementPolicy?: StatefulSetSpec['podManagementPolicy'];
  @Required()
  @Check(statefulSetStrategy)
  readonly updateStrategy?: StatefulSetSpec['updateStrategy'];
  @Check(nonNegative) readonly replicas?: StatefulSetSpec['replicas'];
  @Required()
  @Nested(() => LabelSelectorRules)
  readonly selector?: StatefulSetSpec['selector'];
  @Required()
  @Nested(() => StatefulTemplateRules)
  readonly template?: StatefulSetSpec['template'];
  @Check(dns1035Label) readonly serviceName?: StatefulSetSpec['serviceName'];
  @Check(nonNegative) readonly minReadySeconds?: StatefulSetSpec['minReadySeconds'];
}

/** Mounts of claims name no volume of the template, so the template's spec is checked pod by pod, when pods are made. */
class StatefulTemplateRules {
  @Required() readonly spec?: PodTemplateSpec['spec'];
}

export class StatefulSetRules {
  @Required()
  @Nested(() => StatefulSetSpecRules)
  readonly spec?: StatefulSet['spec'];
}

const STATEFUL_SET_FORBIDDEN =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export function statefulSetUpdate(set: StatefulSet, old: StatefulSet, at: Place): void {
  if (set.spec === undefined || old.spec === undefined) return;
  const { replicas, ordinals, template, updateStrategy, revisionHistoryLimit, persistentVolumeClaimRetentionPolicy, minReadySeconds } =
    old.spec;
  const mutable = {
    replicas,
    ordinals,
    template,
    updateStrategy,
    revisionHistoryLimit,
    persistentVolumeClaimRetentionPolicy,
    minReadySeconds,
  };
  if (!isSame({ ...set.spec, ...mutable }, old.spec)) at.field('spec').forbidden(STATEFUL_SET_FORBIDDEN);
}
