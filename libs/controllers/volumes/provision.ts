/** Makes the PersistentVolume of a claim of class `local`: a folder on one host, which its agent creates at the first mount. */
import { LOCAL_PROVISIONER, LOCAL_VOLUME_FINALIZER, localVolumeSpec } from '../../api/index.js';
import type { KubeObject, Node, StorageClass, Stored, StoredClaim } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, ObjectAction } from '../../reconciling/index.js';
import { PROVISIONED_BY, SELECTED_NODE, tellClaim, VOLUME_PROTECTION, warnClaim } from './words.js';

const REFUSED = 'ProvisioningFailed';

export function provisionLocal(view: ClusterView, claim: StoredClaim, storageClass: Stored<StorageClass>): readonly ObjectAction[] {
  const refusal = whyNot(claim);
  if (refusal !== undefined)
    return [warnClaim(claim, REFUSED, `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${refusal}`)];
  const selected = claim.metadata.annotations?.[SELECTED_NODE];
  const node = selected === undefined ? anyNode(view) : view.get(resources.nodes, undefined, selected);
  if (node === undefined) return [warnClaim(claim, REFUSED, `no node can hold the volume: ${selected ?? 'none is ready'}`)];
  const object = localVolume(claim, storageClass, node);
  if (view.get(resources.persistentVolumes, undefined, object.metadata.name ?? '') !== undefined) return [];
  return [
    tellClaim(
      claim,
      'Provisioning',
      `External provisioner is provisioning volume for claim "${claim.metadata.namespace ?? ''}/${claim.metadata.name}"`,
    ),
    { do: 'create', resource: resources.persistentVolumes, object },
    tellClaim(claim, 'ProvisioningSucceeded', `Successfully provisioned volume ${object.metadata.name ?? ''}`),
  ];
}

function whyNot({ spec }: StoredClaim): string | undefined {
  if (spec?.volumeMode === 'Block') return 'block volumes are not supported by folders of a host: use volumeMode Filesystem';
  if (spec?.accessModes?.includes('ReadWriteMany') === true || spec?.accessModes?.includes('ReadOnlyMany') === true) {
    return 'a folder of one host cannot be mounted on many: use ReadWriteOnce or ReadWriteOncePod';
  }
  if (spec?.selector !== undefined) return 'claim Selector is not supported';
  if (spec?.dataSource !== undefined || spec?.dataSourceRef !== undefined) return 'data sources are not supported';
  return undefined;
}

/** For claims that are bound before any pod asks (`volumeBindingMode: Immediate`): the ready host with the fewest such volumes. */
function anyNode(view: ClusterView): Stored<Node> | undefined {
  const isReady = (node: Stored<Node>): boolean =>
    node.spec?.unschedulable !== true &&
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  const used = view.list(resources.persistentVolumes).map((volume) => JSON.stringify(volume.spec?.nodeAffinity));
  const count = (node: Stored<Node>): number => used.filter((text) => text?.includes(`"${node.metadata.name}"`) === true).length;
  return view
    .list(resources.nodes)
    .filter(isReady)
    .toSorted((a, b) => count(a) - count(b))[0];
}

function localVolume(claim: StoredClaim, storageClass: Stored<StorageClass>, node: Stored<Node>): KubeObject {
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const handle = `pvc-${uid}`;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: handle,
      annotations: { [PROVISIONED_BY]: LOCAL_PROVISIONER },
      finalizers: [VOLUME_PROTECTION, LOCAL_VOLUME_FINALIZER],
    },
    spec: {
      ...localVolumeSpec(handle, node.metadata.labels?.['kubernetes.io/hostname'] ?? node.metadata.name),
      accessModes: claim.spec?.accessModes,
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '0' },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion },
      mountOptions: storageClass.mountOptions,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
    },
  };
}
