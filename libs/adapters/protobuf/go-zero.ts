/**
 * Go writes the zero values of plain fields into protobuf but leaves them out of JSON. Those of optional fields (pointers in
 * Go) are written only when somebody said them, and mean something: `replicas: 0`.
 */
import type { Field } from '../../api/index.js';

const optionalFields: ReadonlySet<string> = new Set([
  'activeDeadlineSeconds',
  'allocateLoadBalancerNodePorts',
  'allowPrivilegeEscalation',
  'automountServiceAccountToken',
  'averageUtilization',
  'backoffLimit',
  'backoffLimitPerIndex',
  'blockOwnerDeletion',
  'completions',
  'controller',
  'defaultMode',
  'deletionGracePeriodSeconds',
  'enableServiceLinks',
  'expirationSeconds',
  'failedJobsHistoryLimit',
  'fsGroup',
  'gracePeriodSeconds',
  'hostUsers',
  'immutable',
  'leaseDurationSeconds',
  'leaseTransitions',
  'maxFailedIndexes',
  'minReplicas',
  'mode',
  'nominalConcurrencyShares',
  'optional',
  'orphanDependents',
  'parallelism',
  'partition',
  'port',
  'priority',
  'privileged',
  'progressDeadlineSeconds',
  'readOnlyRootFilesystem',
  'ready',
  'replicas',
  'revisionHistoryLimit',
  'runAsGroup',
  'runAsNonRoot',
  'runAsUser',
  'serving',
  'setHostnameAsFQDN',
  'shareProcessNamespace',
  'stabilizationWindowSeconds',
  'startingDeadlineSeconds',
  'storageClassName',
  'successfulJobsHistoryLimit',
  'suspend',
  'terminating',
  'terminationGracePeriodSeconds',
  'timeZone',
  'tolerationSeconds',
  'ttlSecondsAfterFinished',
  'value',
]);

export function isMeaningful(field: Field, value: unknown): boolean {
  if (value === null) return false;
  if (value !== '' && value !== 0 && value !== false) return true;
  return field.required || optionalFields.has(field.name);
}
