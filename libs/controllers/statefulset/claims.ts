/** Volume claims of a StatefulSet's pods: one of each template for each pod, kept when the pod goes. */
import type { KubeObject, Pod, PodSpec, PodTemplateSpec, StatefulSet, Stored, Volume } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, ObjectAction } from '../../reconciling/index.js';
import { canonicalJson, controllerReference } from '../workload/pod-template.js';

type StoredStatefulSet = Stored<StatefulSet>;

/** Creates the claims of the pod `name` that are not there yet. */
export function claimActions(view: ClusterView, set: StoredStatefulSet, name: string): readonly ObjectAction[] {
  return (set.spec?.volumeClaimTemplates ?? []).flatMap((template): readonly ObjectAction[] => {
    const claimName = `${template.metadata?.name ?? ''}-${name}`;
    if (view.get(resources.persistentVolumeClaims, set.metadata.namespace, claimName) !== undefined) return [];
    const object: KubeObject = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: claimName,
        namespace: set.metadata.namespace,
        labels: { ...template.metadata?.labels, ...set.spec?.selector.matchLabels },
        annotations: template.metadata?.annotations ?? {},
      },
      spec: template.spec,
    };
    const reportAs = `create Claim ${claimName} Pod ${name} in StatefulSet ${set.metadata.name} success`;
    return [{ do: 'create', resource: resources.persistentVolumeClaims, object, reportTo: set, reportAs }];
  });
}

/**
 * Whom a claim goes with, as `persistentVolumeClaimRetentionPolicy` says: the set, a pod that is scaled away, or nobody.
 * The garbage collector does the rest.
 */
export function claimOwnerActions(
  view: ClusterView,
  set: StoredStatefulSet,
  pod: Stored<Pod>,
  isSurplus: boolean,
): readonly ObjectAction[] {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const owner = isSurplus && whenScaled === 'Delete' ? pod : whenDeleted === 'Delete' ? set : undefined;
  return (set.spec?.volumeClaimTemplates ?? []).flatMap(({ metadata }): readonly ObjectAction[] => {
    const claim = view.get(resources.persistentVolumeClaims, set.metadata.namespace, `${metadata?.name ?? ''}-${pod.metadata.name}`);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return [];
    const before = claim.metadata.ownerReferences ?? [];
    // References to this set and to its pods are ours to set; those of users stay.
    const foreign = before.filter(({ uid, kind, name }) => uid !== set.metadata.uid && !(kind === 'Pod' && name === pod.metadata.name));
    const wanted = owner === undefined ? foreign : [...foreign, controllerReference(owner)];
    if (canonicalJson(before) === canonicalJson(wanted)) return [];
    const object = { ...claim, metadata: { ...claim.metadata, ownerReferences: wanted } };
    return [{ do: 'update', resource: resources.persistentVolumeClaims, object }];
  });
}

/** The pod's volumes, with those of the claim templates in place of any of the same name. */
export function withClaims(set: StoredStatefulSet, template: PodTemplateSpec, name: string): Pick<PodSpec, 'volumes'> {
  const claims = (set.spec?.volumeClaimTemplates ?? []).map(({ metadata }): Volume => {
    const volume = metadata?.name ?? '';
    return { name: volume, persistentVolumeClaim: { claimName: `${volume}-${name}` } };
  });
  if (claims.length === 0) return template.spec?.volumes === undefined ? {} : { volumes: template.spec.volumes };
  const names = new Set(claims.map((volume) => volume.name));
  return { volumes: [...(template.spec?.volumes ?? []).filter((volume) => !names.has(volume.name)), ...claims] };
}
