/** Volume claims of a StatefulSet's pods: one of each template for each pod, kept when the pod goes. */
import type { KubeObject, PodSpec, PodTemplateSpec, StatefulSet, Stored, Volume } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, ObjectAction } from '../../reconciling/index.js';

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
    return [{ do: 'create', resource: resources.persistentVolumeClaims, object, reportTo: set }];
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
