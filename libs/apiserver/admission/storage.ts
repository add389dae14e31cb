/** Kubernetes' DefaultStorageClass and StorageObjectInUseProtection. */
import { storePrefix } from '../../api/index.js';
import type { KubeObject, StorageClass, Stored } from '../../api/index.js';
import type { ApiContext } from '../registry/context.js';
import { record } from '../registry/object.js';
import type { AdmissionRule } from './admit.js';

const IS_DEFAULT = 'storageclass.kubernetes.io/is-default-class';
const OLD_IS_DEFAULT = 'storageclass.beta.kubernetes.io/is-default-class';
const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class';

const protectionOf: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
};

/** A claim that names no class gets the default one; '' is a class too: none. */
export const defaultStorageClass: AdmissionRule = {
  name: 'DefaultStorageClass',
  actions: ['CREATE'],
  resources: ['/persistentvolumeclaims'],
  admit: (context, _operation, { object: claim }) => {
    if (claim === undefined) return claim;
    const spec = record(claim['spec']);
    if (spec['storageClassName'] !== undefined || claim.metadata.annotations?.[OLD_CLASS] !== undefined) return claim;
    const name = defaultClass(context);
    return name === undefined ? claim : { ...claim, spec: { ...spec, storageClassName: name } };
  },
};

/** Claims and volumes stay until nobody uses them. */
export const storageProtection: AdmissionRule = {
  name: 'StorageObjectInUseProtection',
  actions: ['CREATE'],
  resources: ['/persistentvolumeclaims', '/persistentvolumes'],
  admit: (_context, operation, { object }) => {
    const finalizer = protectionOf[operation.kind.resource];
    return object === undefined || finalizer === undefined ? object : withFinalizer(object, finalizer);
  },
};

/** Of several defaults the newest, as Kubernetes decides. */
function defaultClass(context: ApiContext): string | undefined {
  return context.cache
    .list(storePrefix({ group: 'storage.k8s.io', resource: 'storageclasses' }))
    .map(({ object }) => object as unknown as Stored<StorageClass>) // decode: stored as StorageClasses
    .filter(({ metadata }) => metadata.annotations?.[IS_DEFAULT] === 'true' || metadata.annotations?.[OLD_IS_DEFAULT] === 'true')
    .toSorted((a, b) => (a.metadata.creationTimestamp > b.metadata.creationTimestamp ? -1 : 1))[0]?.metadata.name;
}

function withFinalizer(object: KubeObject, finalizer: string): KubeObject {
  const before = object.metadata.finalizers ?? [];
  if (before.includes(finalizer)) return object;
  return { ...object, metadata: { ...object.metadata, finalizers: [...before, finalizer] } };
}
