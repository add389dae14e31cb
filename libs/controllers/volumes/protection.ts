/** A claim that was deleted stays while a pod uses it (Kubernetes docs, "Storage Object in Use Protection"). */
import { podClaims } from '../../api/index.js';
import type { KubeObject, Pod, Stored } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller } from '../../reconciling/index.js';
import { keyOf, splitKey } from '../workload/ownership.js';
import { isFinished, isTerminating } from '../workload/pod-facts.js';
import { CLAIM_PROTECTION, hasFinalizer, withoutFinalizer } from './words.js';

export const claimProtection: Controller = {
  name: 'pvc-protection-controller',
  watches: [
    { resource: resources.persistentVolumeClaims, keys: (claim) => (isTerminating(claim) ? [keyOf(claim)] : []) },
    { resource: resources.pods, keys: (pod, _previous, view) => leavingClaims(view, decodePod(pod)) },
  ],
  reconcile(view, key) {
    const { namespace, name } = splitKey(key);
    const claim = view.get(resources.persistentVolumeClaims, namespace, name);
    if (claim === undefined || !isTerminating(claim) || !hasFinalizer(claim, CLAIM_PROTECTION)) return { actions: [] };
    const users = view.list(resources.pods, namespace).filter((pod) => usesClaim(pod, name));
    if (users.length > 0) return { actions: [] };
    return { actions: [{ do: 'update', resource: resources.persistentVolumeClaims, object: withoutFinalizer(claim, CLAIM_PROTECTION) }] };
  },
};

/** Pods that are over, or that no node has, need no volume. */
function usesClaim(pod: Stored<Pod>, name: string): boolean {
  if (isFinished(pod) || (pod.spec?.nodeName ?? '') === '') return false;
  return podClaims(pod).some(({ claimName }) => claimName === name);
}

function leavingClaims(view: ClusterView, pod: Stored<Pod>): readonly string[] {
  return podClaims(pod)
    .map(({ claimName }) => view.get(resources.persistentVolumeClaims, pod.metadata.namespace, claimName))
    .filter((claim) => claim !== undefined && isTerminating(claim))
    .map((claim) => (claim === undefined ? '' : keyOf(claim)));
}

function decodePod(object: KubeObject): Stored<Pod> {
  return object as unknown as Stored<Pod>; // decode: watched under pods
}
