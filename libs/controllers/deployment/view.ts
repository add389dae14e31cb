/** What a Deployment's reconcile sees: itself, its replica sets divided into the current one and the old ones. */
import { resources } from '../../reconciling/index.js';
import type { ClusterView, ObjectAction } from '../../reconciling/index.js';
import { claim } from '../workload/ownership.js';
import { isFinished } from '../workload/pod-facts.js';
import { canonicalTemplate } from '../workload/pod-template.js';
import { byCreation, replicasOf, rolloutLimits } from './rollout.js';
import type { RolloutLimits, StoredDeployment, StoredReplicaSet } from './rollout.js';

export interface DeploymentView {
  readonly deployment: StoredDeployment;
  readonly limits: RolloutLimits;
  /** The replica set with the deployment's present template; of several the oldest. */
  readonly current: StoredReplicaSet | undefined;
  /** All others, oldest first. */
  readonly old: readonly StoredReplicaSet[];
  /** Current and old. */
  readonly all: readonly StoredReplicaSet[];
  /** Adoptions and releases to do first. */
  readonly claims: readonly ObjectAction[];
  /** The replica set that stands in the namespace under this name, whoever owns it. */
  readonly replicaSetNamed: (name: string) => StoredReplicaSet | undefined;
  /** Whether any pod of the old replica sets still runs or is on its way out. */
  readonly oldPodsExist: () => boolean;
}

export function deploymentView(view: ClusterView, deployment: StoredDeployment): DeploymentView | undefined {
  const spec = deployment.spec;
  if (spec === undefined) return undefined;
  const claimed = claim(view, resources.replicaSets, deployment, spec.selector);
  const all = claimed.owned.toSorted(byCreation);
  const wanted = canonicalTemplate(spec.template);
  const current = all.find((each) => each.spec?.template !== undefined && canonicalTemplate(each.spec.template) === wanted);
  const old = all.filter((each) => each !== current);
  return {
    deployment,
    limits: rolloutLimits(deployment),
    current,
    old,
    all,
    claims: claimed.actions,
    replicaSetNamed: (name) => view.get(resources.replicaSets, deployment.metadata.namespace, name),
    oldPodsExist: () => old.some((each) => view.ownedOf(resources.pods, each.metadata.uid).some((pod) => !isFinished(pod))),
  };
}

export function active(replicaSets: readonly StoredReplicaSet[]): readonly StoredReplicaSet[] {
  return replicaSets.filter((replicaSet) => replicasOf(replicaSet) > 0);
}
