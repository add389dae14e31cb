/** Which PersistentVolumeClaims a pod's volumes stand for. */
import type { Pod } from '../generated/types.js';

export interface PodClaim {
  /** Name in `spec.volumes`. */
  readonly volume: string;
  readonly claimName: string;
  /** Made for this pod alone, and owned by it (Kubernetes docs, Generic ephemeral volumes). */
  readonly isEphemeral: boolean;
}

export function podClaims(pod: Pod): readonly PodClaim[] {
  return (pod.spec?.volumes ?? []).flatMap((volume): readonly PodClaim[] => {
    const { name, persistentVolumeClaim, ephemeral } = volume;
    if (persistentVolumeClaim !== undefined) return [{ volume: name, claimName: persistentVolumeClaim.claimName, isEphemeral: false }];
    if (ephemeral === undefined) return [];
    return [{ volume: name, claimName: `${pod.metadata?.name ?? ''}-${name}`, isEphemeral: true }];
  });
}
