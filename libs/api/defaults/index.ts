/** Defaulting of every built-in kind, exactly as Kubernetes 1.36 does it. The entry is `applyDefaults`. */
import type { KindInfo } from '../kinds.js';
import type { KubeObject } from '../object.js';
import type { PodDisruptionBudget, PriorityClass } from '../generated/types.js';
import { fillHorizontalPodAutoscaler, fillHorizontalPodAutoscalerV1 } from './autoscaling.js';
import { fillLimitRange, fillNamespace, fillNode, fillSecret } from './core.js';
import * as extension from './extension.js';
import { filler, type Filler } from './filler.js';
import { fillIngressClass, fillNetworkPolicy } from './networking.js';
import { fillPod } from './pod.js';
import { fillClusterRoleBinding, fillRoleBinding } from './rbac.js';
import { fillResourceClaim, fillResourceClaimTemplate } from './resource-claim.js';
import { fillEndpoints, fillEndpointSlice, fillService } from './service.js';
import { fillCsiDriver, fillPersistentVolume, fillPersistentVolumeClaim, fillStorageClass } from './storage.js';
import * as workloads from './workloads.js';

export { withJobSelector } from './job-selector.js';

/**
 * Fillers by `group/Kind`; a row with a version (`group/version/Kind`) goes before one without. A filler is written for
 * its kind's type, and the table's key says that type, so the one cast of this file stands in `row`.
 */
const fillers: ReadonlyMap<string, Filler<KubeObject>> = new Map([
  row('/Pod', fillPod),
  row('/PodTemplate', workloads.fillPodTemplateObject),
  row('/ReplicationController', workloads.fillReplicationController),
  row('/Service', fillService),
  row('/Endpoints', fillEndpoints),
  row('/Namespace', fillNamespace),
  row('/Node', fillNode),
  row('/Secret', fillSecret),
  row('/LimitRange', fillLimitRange),
  row('/PersistentVolume', fillPersistentVolume),
  row('/PersistentVolumeClaim', fillPersistentVolumeClaim),
  row('apps/Deployment', workloads.fillDeployment),
  row('apps/ReplicaSet', workloads.fillReplicaSet),
  row('apps/StatefulSet', workloads.fillStatefulSet),
  row('apps/DaemonSet', workloads.fillDaemonSet),
  row('batch/Job', workloads.fillJob),
  row('batch/CronJob', workloads.fillCronJob),
  row('autoscaling/HorizontalPodAutoscaler', fillHorizontalPodAutoscaler),
  row('autoscaling/v1/HorizontalPodAutoscaler', fillHorizontalPodAutoscalerV1),
  row('discovery.k8s.io/EndpointSlice', fillEndpointSlice),
  row('networking.k8s.io/NetworkPolicy', fillNetworkPolicy),
  row('networking.k8s.io/IngressClass', fillIngressClass),
  row('rbac.authorization.k8s.io/RoleBinding', fillRoleBinding),
  row('rbac.authorization.k8s.io/ClusterRoleBinding', fillClusterRoleBinding),
  row('storage.k8s.io/StorageClass', fillStorageClass),
  row('storage.k8s.io/CSIDriver', fillCsiDriver),
  row('scheduling.k8s.io/PriorityClass', filler<PriorityClass>({ preemptionPolicy: 'PreemptLowerPriority' })),
  row(
    'policy/PodDisruptionBudget',
    filler<PodDisruptionBudget>({
      status: () => ({ currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }),
    }),
  ),
  row('resource.k8s.io/ResourceClaim', fillResourceClaim),
  row('resource.k8s.io/ResourceClaimTemplate', fillResourceClaimTemplate),
  row('admissionregistration.k8s.io/MutatingWebhookConfiguration', extension.fillMutatingWebhooks),
  row('admissionregistration.k8s.io/ValidatingWebhookConfiguration', extension.fillValidatingWebhooks),
  row('admissionregistration.k8s.io/ValidatingAdmissionPolicy', extension.fillValidatingPolicy),
  row('admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding', extension.fillValidatingPolicyBinding),
  row('admissionregistration.k8s.io/MutatingAdmissionPolicy', extension.fillMutatingPolicy),
  row('admissionregistration.k8s.io/MutatingAdmissionPolicyBinding', extension.fillMutatingPolicyBinding),
  row('apiextensions.k8s.io/CustomResourceDefinition', extension.fillCustomResourceDefinition),
  row('apiregistration.k8s.io/APIService', extension.fillApiService),
  row('flowcontrol.apiserver.k8s.io/FlowSchema', extension.fillFlowSchema),
  row('flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration', extension.fillPriorityLevel),
]);

function row<T extends object>(key: string, fill: Filler<T>): readonly [string, Filler<KubeObject>] {
  return [key, fill as unknown as Filler<KubeObject>]; // decoding has checked that an object of this kind has this type
}

/**
 * Returns the object with every default of its kind filled in; the same object where none is missing. The input is
 * type-correct JSON of that kind and version, and is not changed. Kinds without defaults come back as they are.
 */
export function applyDefaults(kind: KindInfo, object: KubeObject): KubeObject {
  const fill = fillers.get(`${kind.group}/${kind.version}/${kind.kind}`) ?? fillers.get(`${kind.group}/${kind.kind}`);
  return fill === undefined ? object : fill(object);
}
