/** Whether a PersistentVolume can serve a claim (Kubernetes docs, Persistent Volumes, "Binding"). Pure facts, no node. */
import type { PersistentVolume, PersistentVolumeClaim } from '../generated/types.js';
import type { Stored } from '../object.js';
import { quantityValue } from '../quantity/index.js';
import { labelSelectorRequirements, matchesLabels } from '../selectors/index.js';

export type StoredVolume = Stored<PersistentVolume>;
export type StoredClaim = Stored<PersistentVolumeClaim>;

/** The volume is kept for this claim and no other. */
export function isReservedFor(volume: StoredVolume, claim: StoredClaim): boolean {
  const reference = volume.spec?.claimRef;
  if (reference === undefined || reference.name !== claim.metadata.name || reference.namespace !== claim.metadata.namespace) return false;
  return (reference.uid ?? '') === '' || reference.uid === claim.metadata.uid;
}

export function canServe(volume: StoredVolume, claim: StoredClaim): boolean {
  const { spec } = volume;
  if (spec === undefined || volume.metadata.deletionTimestamp !== undefined) return false;
  if (spec.claimRef !== undefined && !isReservedFor(volume, claim)) return false;
  if ((spec.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) return false;
  if ((spec.storageClassName ?? '') !== (claim.spec?.storageClassName ?? '')) return false;
  const modes = new Set(spec.accessModes);
  if (!(claim.spec?.accessModes ?? []).every((mode) => modes.has(mode))) return false;
  if (storageOf(spec.capacity) < storageOf(claim.spec?.resources?.requests)) return false;
  if (claim.spec?.selector === undefined) return true;
  const requirements = labelSelectorRequirements(claim.spec.selector);
  return requirements !== undefined && matchesLabels(requirements, volume.metadata.labels);
}

/** The smallest that can serve, one that is reserved first; `accepts` may ask for more. */
export function bestVolume(
  volumes: readonly StoredVolume[],
  claim: StoredClaim,
  accepts: (volume: StoredVolume) => boolean = () => true,
): StoredVolume | undefined {
  let best: StoredVolume | undefined;
  for (const volume of volumes) {
    if (!canServe(volume, claim) || !accepts(volume)) continue;
    if (isReservedFor(volume, claim)) return volume;
    if (best === undefined || storageOf(volume.spec?.capacity) < storageOf(best.spec?.capacity)) best = volume;
  }
  return best;
}

export function storageOf(amounts: Readonly<Record<string, string>> | undefined): number {
  return quantityValue(amounts?.['storage'] ?? '0');
}
