/**
 * Facts about fields that client-node does not carry, from the Kubernetes API reference: which strings are quantities, how
 * lists merge (`listType`, map keys, patch merge keys) and which objects are replaced whole. Keys are `Type.field` in our type names.
 */

/** Single quantities; the text is kept as it was written. */
export const quantityFields: readonly string[] = [
  'CSIStorageCapacity.capacity',
  'CSIStorageCapacity.maximumVolumeSize',
  'CapacityRequestPolicy.default',
  'CapacityRequestPolicyRange.max',
  'CapacityRequestPolicyRange.min',
  'CapacityRequestPolicyRange.step',
  'Counter.value',
  'DeviceCapacity.value',
  'EmptyDirVolumeSource.sizeLimit',
  'ResourceFieldSelector.divisor',
  'V2MetricTarget.averageValue',
  'V2MetricTarget.value',
  'V2MetricValueStatus.averageValue',
  'V2MetricValueStatus.value',
];

/** Maps and lists of quantities, kept as written. */
export const quantityCollections: readonly string[] = [
  'CapacityRequestPolicy.validValues',
  'CapacityRequirements.requests',
  'ContainerMetrics.usage',
  'DeviceRequestAllocationResult.consumedCapacity',
  'NodeAllocatableResourceClaimStatus.resources',
  'NodeMetrics.usage',
];

/** Resource lists: amounts are rounded up to thousandths and written canonically. */
export const resourceLists: readonly string[] = [
  'ContainerStatus.allocatedResources',
  'LimitRangeItem.default',
  'LimitRangeItem.defaultRequest',
  'LimitRangeItem.max',
  'LimitRangeItem.maxLimitRequestRatio',
  'LimitRangeItem.min',
  'NodeStatus.allocatable',
  'NodeStatus.capacity',
  'Overhead.podFixed',
  'PersistentVolumeClaimStatus.allocatedResources',
  'PersistentVolumeClaimStatus.capacity',
  'PersistentVolumeSpec.capacity',
  'PodSpec.overhead',
  'PodStatus.allocatedResources',
  'ResourceQuotaSpec.hard',
  'ResourceQuotaStatus.hard',
  'ResourceQuotaStatus.used',
  'ResourceRequirements.limits',
  'ResourceRequirements.requests',
  'VolumeResourceRequirements.limits',
  'VolumeResourceRequirements.requests',
];

/** Objects that one applier owns as a whole: server-side apply does not look inside. */
export const atomicTypes: readonly string[] = [
  'ConfigMapKeySelector',
  'CrossVersionObjectReference',
  'CoreV1EndpointPort',
  'DiscoveryV1EndpointPort',
  'EndpointAddress',
  'FileKeySelector',
  'LabelSelector',
  'LocalObjectReference',
  'NodeSelector',
  'NodeSelectorTerm',
  'ObjectFieldSelector',
  'ObjectReference',
  'ResourceFieldSelector',
  'RoleRef',
  'ScopeSelector',
  'ScopedResourceSelectorRequirement',
  'SecretKeySelector',
  'SecretReference',
  'ServiceBackendPort',
  'RbacV1Subject',
  'TopologySelectorTerm',
  'TypedLocalObjectReference',
];

/** Maps that are replaced whole. All other maps merge key by key. */
export const atomicMaps: readonly string[] = [
  'PodSpec.nodeSelector',
  'ReplicationControllerSpec.selector',
  'Scheduling.nodeSelector',
  'ServiceSpec.selector',
];

/** Lists without duplicates, whose members are owned one by one. */
export const setLists: readonly string[] = [
  'CSIDriverSpec.volumeLifecycleModes',
  'Endpoint.addresses',
  'NodeSpec.podCIDRs',
  'NonResourcePolicyRule.nonResourceURLs',
  'NonResourcePolicyRule.verbs',
  'ObjectMeta.finalizers',
  'PodFailurePolicyOnExitCodesRequirement.values',
  'ResourcePolicyRule.apiGroups',
  'ResourcePolicyRule.namespaces',
  'ResourcePolicyRule.resources',
  'ResourcePolicyRule.verbs',
  'UncountedTerminatedPods.failed',
  'UncountedTerminatedPods.succeeded',
];

/** Lists whose members are told apart by keys. `conditions` lists are by `type` unless listed in `plainConditions`. */
export const mapLists: Readonly<Record<string, string>> = {
  'AllocatedDeviceStatus.conditions': 'type',
  'CSINodeSpec.drivers': 'name',
  'Container.env': 'name',
  'Container.ports': 'containerPort,protocol',
  'Container.volumeDevices': 'devicePath',
  'Container.volumeMounts': 'mountPath',
  'ContainerStatus.volumeMounts': 'mountPath',
  'ContainerStatus.allocatedResourcesStatus': 'name',
  'EphemeralContainer.env': 'name',
  'EphemeralContainer.ports': 'containerPort,protocol',
  'EphemeralContainer.volumeDevices': 'devicePath',
  'EphemeralContainer.volumeMounts': 'mountPath',
  'MutatingAdmissionPolicySpec.matchConditions': 'name',
  'MutatingWebhook.matchConditions': 'name',
  'MutatingWebhookConfiguration.webhooks': 'name',
  'NodeStatus.addresses': 'type',
  'ObjectMeta.ownerReferences': 'uid',
  'PodSpec.containers': 'name',
  'PodSpec.ephemeralContainers': 'name',
  'PodSpec.hostAliases': 'ip',
  'PodSpec.imagePullSecrets': 'name',
  'PodSpec.initContainers': 'name',
  'PodSpec.resourceClaims': 'name',
  'PodSpec.schedulingGates': 'name',
  'PodSpec.topologySpreadConstraints': 'topologyKey,whenUnsatisfiable',
  'PodSpec.volumes': 'name',
  'PodStatus.podIPs': 'ip',
  'PodStatus.resourceClaimStatuses': 'name',
  'ResourceClaimStatus.devices': 'driver,device,pool,shareID',
  'ResourceClaimStatus.reservedFor': 'uid',
  'ResourceRequirements.claims': 'name',
  'ResourceStatus.resources': 'resourceID',
  'ServiceAccount.secrets': 'name',
  'ServiceSpec.ports': 'port,protocol',
  'ValidatingAdmissionPolicySpec.matchConditions': 'name',
  'ValidatingAdmissionPolicySpec.variables': 'name',
  'ValidatingWebhook.matchConditions': 'name',
  'ValidatingWebhookConfiguration.webhooks': 'name',
};

/** `conditions` that are replaced whole under server-side apply. */
export const plainConditions: readonly string[] = ['JobStatus.conditions'];

/** `conditions` without a merge key: a strategic merge patch replaces them. */
export const unmergedConditions: readonly string[] = [
  'AllocatedDeviceStatus.conditions',
  'CertificateSigningRequestStatus.conditions',
  'CustomResourceDefinitionStatus.conditions',
  'ValidatingAdmissionPolicyStatus.conditions',
];

/** Where strategic merge patches merge lists although (or in another way than) server-side apply does. The key is the patch merge key. */
export const patchOnlyKeys: Readonly<Record<string, string>> = {
  'JobStatus.conditions': 'type',
  'PodStatus.hostIPs': 'ip',
};

/** Lists of plain values that strategic merge patches add to. */
export const patchUnions: readonly string[] = ['NodeSpec.podCIDRs', 'ObjectMeta.finalizers'];

/** Lists with map keys that strategic merge patches replace nevertheless. */
export const patchReplaced: readonly string[] = ['ResourceClaimStatus.devices', 'ResourceRequirements.claims', 'ResourceStatus.resources'];

/** Patch strategies other than merge by key: `retainKeys` clears members that the patch does not name, `replace` swaps the object. */
export const patchStrategies: Readonly<Record<string, 'retainKeys' | 'replace'>> = {
  'DeploymentSpec.strategy': 'retainKeys',
  'PodSpec.resourceClaims': 'retainKeys',
  'PodSpec.volumes': 'retainKeys',
  'PodStatus.resourceClaimStatuses': 'retainKeys',
  'PodDisruptionBudgetSpec.selector': 'replace',
};
