import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import { World } from '../testing/world.js';
import { volumeBinder } from './binder.js';
import { claimProtection } from './protection.js';

let world: World;
const settle = (): void => world.settle([volumeBinder, claimProtection]);

beforeEach(() => {
  world = new World();
});

function aNode(name: string, volumesInUse: readonly string[] = []): KubeObject {
  return world.create({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    status: { conditions: [{ type: 'Ready', status: 'True' }], volumesInUse },
  });
}

function aClass(name: string, extra: object): KubeObject {
  return world.create({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, ...extra } as unknown as KubeObject); // a class has no spec
}

const LOCAL = { provisioner: 'berth.dev/local', reclaimPolicy: 'Delete', volumeBindingMode: 'WaitForFirstConsumer' };

function aClaim(name: string, spec: object, annotations: Record<string, string> = {}): KubeObject {
  return world.create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default', annotations, finalizers: ['kubernetes.io/pvc-protection'] },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
    status: { phase: 'Pending' },
  });
}

function aVolume(name: string, storage: string, extra: object = {}): KubeObject {
  return world.create({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage },
      hostPath: { path: '/data' },
      persistentVolumeReclaimPolicy: 'Retain',
      ...extra,
    },
    status: { phase: 'Pending' },
  });
}

const claim = (name: string) => world.get(resources.persistentVolumeClaims, name) as unknown as Seen | undefined;
const volume = (name: string) => world.view.get(resources.persistentVolumes, undefined, name) as unknown as Seen | undefined;
interface Seen {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly volumeName?: string; readonly claimRef?: { readonly uid: string }; readonly nodeAffinity?: object };
  readonly status: { readonly phase: string; readonly capacity?: { readonly storage: string } };
}

describe('claims and volumes', () => {
  test('the smallest volume that is large enough serves a claim, and both ends show it', () => {
    aVolume('large', '10Gi');
    aVolume('fits', '2Gi');
    aVolume('small', '500Mi');
    aClaim('data', { storageClassName: '' });
    settle();
    expect(claim('data')?.spec.volumeName).toBe('fits');
    expect(claim('data')?.status).toMatchObject({ phase: 'Bound', capacity: { storage: '2Gi' } });
    expect(volume('fits')?.status.phase).toBe('Bound');
    expect(volume('large')?.status.phase).toBe('Available');
  });

  test('two claims never share a volume', () => {
    aVolume('one', '1Gi');
    aClaim('a', { storageClassName: '' });
    aClaim('b', { storageClassName: '' });
    settle();
    expect(new Set([claim('a')?.status.phase, claim('b')?.status.phase])).toEqual(new Set(['Bound', 'Pending']));
    expect(world.events).toContain('Normal FailedBinding no persistent volumes available for this claim and no storage class is set');
  });

  test("a claim of the local class waits for its first pod, then gets a folder on that pod's node", () => {
    aNode('n1');
    aNode('n2');
    aClass('local', LOCAL);
    aClaim('data', { storageClassName: 'local' });
    settle();
    expect(claim('data')?.status.phase).toBe('Pending');
    expect(world.events).toContain('Normal WaitForFirstConsumer waiting for first consumer to be created before binding');
    world.edit(resources.persistentVolumeClaims, { namespace: 'default', name: 'data' }, (object) => ({
      metadata: { ...object.metadata, annotations: { 'volume.kubernetes.io/selected-node': 'n2' } },
    }));
    settle();
    const name = `pvc-${claim('data')?.metadata.uid}`;
    expect(claim('data')).toMatchObject({ spec: { volumeName: name }, status: { phase: 'Bound', capacity: { storage: '1Gi' } } });
    expect(JSON.stringify(volume(name)?.spec.nodeAffinity)).toContain('"n2"');
  });

  test('a class of an unknown provisioner says whom the claim waits for', () => {
    aClass('fast', { provisioner: 'example.com/fast', volumeBindingMode: 'Immediate' });
    aClaim('data', { storageClassName: 'fast' });
    settle();
    expect(
      world.events.some((event) =>
        event.includes("ExternalProvisioning Waiting for a volume to be created either by the external provisioner 'example.com/fast'"),
      ),
    ).toBe(true);
  });

  test('a retained volume is Released when its claim is gone', () => {
    aVolume('one', '1Gi');
    aClaim('a', { storageClassName: '' });
    settle();
    world.remove(world.get(resources.persistentVolumeClaims, 'a') as KubeObject); // it was made above
    settle();
    expect(volume('one')?.status.phase).toBe('Released');
  });

  test("a folder's volume goes only when its host says that the folder is gone", () => {
    aClass('local', LOCAL);
    aNode('n1');
    aClaim('data', { storageClassName: 'local' }, { 'volume.kubernetes.io/selected-node': 'n1' });
    settle();
    const name = claim('data')?.spec.volumeName ?? '';
    const inUse = (list: readonly string[]): void =>
      world.edit(resources.nodes, { name: 'n1' }, (node) => ({ status: { ...(node['status'] as object), volumesInUse: list } }));
    inUse([`kubernetes.io/csi/berth.dev/local^${name}`]);
    world.remove(world.get(resources.persistentVolumeClaims, 'data') as KubeObject); // it was made above
    settle();
    expect(volume(name)?.metadata.deletionTimestamp).toBeDefined();
    inUse([]);
    settle();
    expect(volume(name)).toBeUndefined();
  });

  test('a deleted claim stays while a pod uses it', () => {
    aVolume('one', '1Gi');
    const stored = aClaim('a', { storageClassName: '' });
    const pod = world.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'default' },
      spec: { nodeName: 'n1', containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'a' } }] },
      status: { phase: 'Running' },
    });
    settle();
    world.apply({
      actions: [{ do: 'delete', ref: { ...resources.persistentVolumeClaims, namespace: 'default', name: 'a' }, uid: stored.metadata.uid }],
    });
    settle();
    expect(claim('a')?.metadata.deletionTimestamp).toBeDefined();
    world.remove(pod);
    settle();
    expect(claim('a')).toBeUndefined();
  });
});
