/** The stored form of a kind that is served in several versions, or in two groups. */
import { convertObject, findKind, type KindInfo, type KubeObject } from '../../api/index.js';

/** The row under which objects of this kind are kept; the kind itself where it is the stored one. */
export function storageKind(kind: KindInfo): KindInfo {
  if (kind.storageVersion === kind.version && kind.storageGroup === kind.group) return kind;
  return findKind({ group: kind.storageGroup, version: kind.storageVersion, resource: kind.resource }) ?? kind;
}

/** True where stored texts can be sent as they are. */
export function isStoredForm(kind: KindInfo): boolean {
  return kind.storageVersion === kind.version && kind.storageGroup === kind.group;
}

export function toStorage(kind: KindInfo, object: KubeObject): KubeObject {
  return isStoredForm(kind) ? object : convertObject(object, storageKind(kind));
}

export function fromStorage(kind: KindInfo, object: KubeObject): KubeObject {
  return isStoredForm(kind) ? object : convertObject(object, kind);
}
