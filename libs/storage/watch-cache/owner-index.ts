/** Which objects name a given uid as their owner. */
import type { LazyObject } from './cached-object.js';

export class OwnerIndex {
  private readonly owned = new Map<string, Map<string, LazyObject>>();

  replace(previous: LazyObject | undefined, current: LazyObject | undefined): void {
    if (previous !== undefined) {
      for (const uid of previous.ownerUids()) {
        const known = this.owned.get(uid);
        known?.delete(previous.key);
        if (known?.size === 0) this.owned.delete(uid);
      }
    }
    if (current === undefined) return;
    for (const uid of current.ownerUids()) {
      const known = this.owned.get(uid);
      if (known === undefined) this.owned.set(uid, new Map([[current.key, current]]));
      else known.set(current.key, current);
    }
  }

  /** In key order. The index may name too many, so each candidate's own metadata decides. */
  ownedBy(uid: string): readonly LazyObject[] {
    const candidates = [...(this.owned.get(uid)?.values() ?? [])];
    return candidates
      .filter((object) => object.object.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true)
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }
}
