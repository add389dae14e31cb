/** A pod's quality of service class (Kubernetes docs, Pod Quality of Service Classes). */
import { compareQuantities } from '../../api/light.js';
import type { Container, Pod } from '../../api/index.js';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';
const COUNTED = ['cpu', 'memory'] as const;

export function qosClass(pod: Pod): QosClass {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const isCounted = (container: Container): boolean =>
    COUNTED.some((name) => isSet(container.resources?.requests?.[name]) || isSet(container.resources?.limits?.[name]));
  if (!containers.some(isCounted)) return 'BestEffort';
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function isGuaranteed(container: Container): boolean {
  return COUNTED.every((name) => {
    const limit = container.resources?.limits?.[name];
    const request = container.resources?.requests?.[name] ?? limit;
    return limit !== undefined && isSet(limit) && request !== undefined && compareQuantities(request, limit) === 0;
  });
}

function isSet(amount: string | undefined): boolean {
  return amount !== undefined && compareQuantities(amount, '0') > 0;
}
