/** Which rules hold for which kind: the form of its name, its rule class, and what an update may change. */
import type { KindInfo } from '../kinds.js';
import { isDns1035Label, isDnsLabel, isDnsSubdomain, isPathSegment, maxLength } from './checks/names.js';
import type { NameForm } from './object-meta.js';
import type { Place } from './place.js';
import type { RuleClass } from './rule-class.js';
import { HorizontalPodAutoscalerRules, HorizontalPodAutoscalerV1Rules } from './rules/autoscaling.js';
import { CronJobRules, JobRules, jobUpdate } from './rules/batch.js';
import * as cluster from './rules/cluster.js';
import { ConfigMapRules, configMapUpdate, SecretRules, secretUpdate } from './rules/config.js';
import * as extension from './rules/extension.js';
import { IngressClassRules, ingressClassUpdate, IngressRules, NetworkPolicyRules } from './rules/networking.js';
import { podUpdate } from './rules/pod-update.js';
import { PodRules } from './rules/pod.js';
import { bindingUpdate, ClusterRoleBindingRules, ClusterRoleRules, RoleBindingRules, RoleRules } from './rules/rbac.js';
import { EndpointSliceRules, endpointSliceUpdate, EndpointsRules, ServiceRules, serviceUpdate } from './rules/service.js';
import * as storage from './rules/storage.js';
import * as workloads from './rules/workloads.js';

/** Compares an update with what was stored; reports what may not change. `subresource` is the way by which the update comes. */
export type UpdateRule = (object: object, old: object, at: Place, subresource?: string) => void;

export interface KindRules {
  readonly name: NameForm;
  readonly rules?: RuleClass | undefined;
  readonly update?: UpdateRule | undefined;
}

interface Row<T extends object> {
  readonly name?: NameForm;
  readonly rules?: RuleClass;
  readonly update?: (object: T, old: T, at: Place, subresource?: string) => void;
}

function row<T extends object>(key: string, rules: Row<T>): readonly [string, KindRules] {
  const { name = isDnsSubdomain, rules: ruleClass, update } = rules;
  // Decoding has checked that objects of the key's kind have the type for which its update rule is written.
  return [key, { name, rules: ruleClass, update: update as UpdateRule | undefined }];
}

const CRON_JOB_NAME_MAX = 52;

/** Eleven characters are kept for the minute that is added to the names of its jobs. */
const cronJobName: NameForm = (name) => [
  ...isDnsSubdomain(name),
  ...(name.length > CRON_JOB_NAME_MAX ? ['must be no more than 52 characters'] : []),
];

const longestPathSegment: NameForm = (name) => [...isPathSegment(name), ...(name.length > 253 ? [maxLength(253)] : [])];

const kinds: ReadonlyMap<string, KindRules> = new Map([
  row('/Pod', { rules: PodRules, update: podUpdate }),
  row('/Service', { name: isDns1035Label, rules: ServiceRules, update: serviceUpdate }),
  row('/Endpoints', { rules: EndpointsRules }),
  row('/ConfigMap', { rules: ConfigMapRules, update: configMapUpdate }),
  row('/Secret', { rules: SecretRules, update: secretUpdate }),
  row('/Namespace', { name: isDnsLabel }),
  row('/Node', { rules: cluster.NodeRules, update: cluster.nodeUpdate }),
  row('/Event', { name: isPathSegment, rules: cluster.EventRules }),
  row('/PersistentVolumeClaim', { rules: storage.PersistentVolumeClaimRules, update: storage.claimUpdate }),
  row('/PersistentVolume', { rules: storage.PersistentVolumeRules, update: storage.volumeUpdate }),
  row('apps/Deployment', { rules: workloads.DeploymentRules, update: workloads.selectorUpdate }),
  row('apps/ReplicaSet', { rules: workloads.ReplicaSetRules, update: workloads.selectorUpdate }),
  row('apps/DaemonSet', { rules: workloads.DaemonSetRules, update: workloads.selectorUpdate }),
  row('apps/StatefulSet', { name: isDnsLabel, rules: workloads.StatefulSetRules, update: workloads.statefulSetUpdate }),
  row('batch/Job', { rules: JobRules, update: jobUpdate }),
  row('batch/CronJob', { name: cronJobName, rules: CronJobRules }),
  row('autoscaling/HorizontalPodAutoscaler', { rules: HorizontalPodAutoscalerRules }),
  row('autoscaling/v1/HorizontalPodAutoscaler', { rules: HorizontalPodAutoscalerV1Rules }),
  row('discovery.k8s.io/EndpointSlice', { rules: EndpointSliceRules, update: endpointSliceUpdate }),
  row('events.k8s.io/Event', { name: isPathSegment }),
  row('coordination.k8s.io/Lease', { rules: cluster.LeaseRules }),
  row('policy/PodDisruptionBudget', { rules: cluster.PodDisruptionBudgetRules }),
  row('scheduling.k8s.io/PriorityClass', { rules: cluster.PriorityClassRules, update: cluster.priorityClassUpdate }),
  row('networking.k8s.io/NetworkPolicy', { rules: NetworkPolicyRules }),
  row('networking.k8s.io/Ingress', { rules: IngressRules }),
  row('networking.k8s.io/IngressClass', { rules: IngressClassRules, update: ingressClassUpdate }),
  row('storage.k8s.io/StorageClass', { rules: storage.StorageClassRules, update: storage.storageClassUpdate }),
  row('rbac.authorization.k8s.io/Role', { name: longestPathSegment, rules: RoleRules }),
  row('rbac.authorization.k8s.io/ClusterRole', { name: longestPathSegment, rules: ClusterRoleRules }),
  row('rbac.authorization.k8s.io/RoleBinding', { name: longestPathSegment, rules: RoleBindingRules, update: bindingUpdate }),
  row('rbac.authorization.k8s.io/ClusterRoleBinding', { name: longestPathSegment, rules: ClusterRoleBindingRules, update: bindingUpdate }),
  row('/ResourceQuota', { rules: extension.ResourceQuotaRules }),
  row('/LimitRange', { rules: extension.LimitRangeRules }),
  row('/ReplicationController', { rules: workloads.ReplicationControllerRules }),
  row('/PodTemplate', { rules: workloads.PodTemplateObjectRules }),
  row('admissionregistration.k8s.io/MutatingWebhookConfiguration', { rules: extension.WebhookConfigurationRules }),
  row('admissionregistration.k8s.io/ValidatingWebhookConfiguration', { rules: extension.WebhookConfigurationRules }),
  row('apiextensions.k8s.io/CustomResourceDefinition', {
    rules: extension.CustomResourceDefinitionRules,
    update: extension.definitionUpdate,
  }),
  row('apiregistration.k8s.io/APIService', { name: isPathSegment, rules: extension.ApiServiceRules }),
  row('certificates.k8s.io/CertificateSigningRequest', { name: isPathSegment }),
  row('berth.dev/Operation', { rules: cluster.OperationRules, update: cluster.operationUpdate }),
]);

const metadataOnly: KindRules = { name: isDnsSubdomain };

/** The rules of a kind; those without rules of their own have metadata like most. */
export function rulesOfKind(kind: KindInfo): KindRules {
  return kinds.get(`${kind.group}/${kind.version}/${kind.kind}`) ?? kinds.get(`${kind.group}/${kind.kind}`) ?? metadataOnly;
}
