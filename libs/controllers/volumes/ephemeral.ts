/** Makes the claims of generic ephemeral volumes; they belong to their pod and go with it (Kubernetes docs, Ephemeral Volumes). */
import type { KubeObject, Pod, Stored } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { Controller, ObjectAction } from '../../reconciling/index.js';
import { keyOf, splitKey } from '../workload/ownership.js';
import { controllerReference } from '../workload/pod-template.js';
import { isTerminating } from '../workload/pod-facts.js';

export const ephemeralVolumeController: Controller = {
  name: 'ephemeral-volume-controller',
  watches: [{ resource: resources.pods, keys: (pod) => (hasEphemeral(decodePod(pod)) ? [keyOf(pod)] : []) }],
  reconcile(view, key) {
    const { namespace, name } = splitKey(key);
    const pod = view.get(resources.pods, namespace, name);
    if (pod === undefined || isTerminating(pod)) return { actions: [] };
    const actions = (pod.spec?.volumes ?? []).flatMap((volume): readonly ObjectAction[] => {
      const template = volume.ephemeral?.volumeClaimTemplate;
      const claimName = `${name}-${volume.name}`;
      if (template === undefined || view.get(resources.persistentVolumeClaims, namespace, claimName) !== undefined) return [];
      const object: KubeObject = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { ...template.metadata, name: claimName, namespace, ownerReferences: [controllerReference(pod)] },
        spec: template.spec,
      };
      return [{ do: 'create', resource: resources.persistentVolumeClaims, object }];
    });
    return { actions };
  },
};

function hasEphemeral(pod: Stored<Pod>): boolean {
  return pod.spec?.volumes?.some(({ ephemeral }) => ephemeral !== undefined) === true;
}

function decodePod(object: KubeObject): Stored<Pod> {
  return object as unknown as Stored<Pod>; // decode: watched under pods
}
