/** emptyDir volumes on disk with a sizeLimit: a pod that takes more is evicted (Kubernetes docs, Local ephemeral storage). */
import { quantityValue } from '../../api/light.js';
import type { Pod } from '../../api/index.js';
import type { VolumeStore } from '../ports.js';

/** Kubernetes' housekeeping period of the eviction manager. */
export const SIZE_CHECK_MS = 10_000;

export interface SizeLimit {
  readonly volume: string;
  /** As the pod says it, for the message. */
  readonly limit: string;
}

/** Those in memory are limited by their file system. */
export function sizeLimits(pod: Pod): readonly SizeLimit[] {
  return (pod.spec?.volumes ?? []).flatMap(({ name, emptyDir }) => {
    const limit = emptyDir?.sizeLimit;
    return limit === undefined || emptyDir?.medium === 'Memory' || quantityValue(limit) <= 0 ? [] : [{ volume: name, limit }];
  });
}

/** Why the pod is to be evicted; `undefined` while all its volumes keep their limits. */
export async function exceededLimit(podUid: string, limits: readonly SizeLimit[], volumes: VolumeStore): Promise<string | undefined> {
  for (const { volume, limit } of limits) {
    const used = await volumes.usedBytes(podUid, volume);
    if (used > quantityValue(limit)) return `Usage of EmptyDir volume "${volume}" exceeds the limit "${limit}". `;
  }
  return undefined;
}
