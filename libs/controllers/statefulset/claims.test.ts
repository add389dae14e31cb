import { describe, expect, test } from '@jest/globals';
import { resources } from '../../reconciling/index.js';
import { World } from '../testing/world.js';
import { statefulSetController } from './reconcile.js';

function aSet(world: World, policy: object): void {
  world.create({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'default' },
    spec: {
      replicas: 2,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'app' }] } },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
      persistentVolumeClaimRetentionPolicy: policy,
    },
  });
  world.settle([statefulSetController]);
}

const ownersOf = (world: World, claim: string) =>
  (world.get(resources.persistentVolumeClaims, claim)?.metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind} ${name}`);

function scaleToOne(world: World): void {
  world.edit(resources.statefulSets, { namespace: 'default', name: 'db' }, (set) => ({
    spec: { ...(set['spec'] as object), replicas: 1 },
  }));
  world.settle([statefulSetController]);
}

describe('the claims of a StatefulSet', () => {
  test('belong to nobody unless the policy says so', () => {
    const world = new World();
    aSet(world, {});
    scaleToOne(world);
    expect([ownersOf(world, 'data-db-0'), ownersOf(world, 'data-db-1')]).toEqual([[], []]);
  });

  test('go with the set, or with the pod that is scaled away', () => {
    const world = new World();
    aSet(world, { whenDeleted: 'Delete', whenScaled: 'Delete' });
    expect(ownersOf(world, 'data-db-1')).toEqual(['StatefulSet db']);
    scaleToOne(world);
    expect([ownersOf(world, 'data-db-0'), ownersOf(world, 'data-db-1')]).toEqual([['StatefulSet db'], ['Pod db-1']]);
  });
});
