import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import { World } from '../testing/world.js';
import { replicationController } from './reconcile.js';

function aController(world: World, replicas: number): KubeObject {
  return world.create({
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'rc', namespace: 'default' },
    spec: {
      replicas,
      selector: { app: 'rc' },
      template: { metadata: { labels: { app: 'rc' } }, spec: { containers: [{ name: 'c', image: 'app' }] } },
    },
  });
}

describe('a ReplicationController', () => {
  test('keeps its number of pods and reports it, its selector untouched', () => {
    const world = new World();
    aController(world, 2);
    world.settle([replicationController]);
    const pods = world.view.list(resources.pods, 'default');
    expect(pods.map(({ metadata }) => metadata.ownerReferences?.[0]?.kind)).toEqual(['ReplicationController', 'ReplicationController']);
    expect(world.get(resources.replicationControllers, 'rc')).toMatchObject({
      spec: { selector: { app: 'rc' } },
      status: { replicas: 2, fullyLabeledReplicas: 2 },
    });
  });

  test('adopts a matching pod, and releases one whose labels change', () => {
    const world = new World();
    const orphan = world.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'old', namespace: 'default', labels: { app: 'rc' } },
      spec: { containers: [] },
      status: { phase: 'Running' },
    });
    aController(world, 1);
    world.settle([replicationController]);
    expect(world.view.list(resources.pods, 'default')).toHaveLength(1);
    world.edit(resources.pods, { namespace: 'default', name: 'old' }, ({ metadata }) => ({
      metadata: { ...metadata, labels: { app: 'x' } },
    }));
    world.settle([replicationController]);
    expect(world.get(resources.pods, orphan.metadata.name ?? '')?.metadata.ownerReferences ?? []).toEqual([]);
    expect(world.view.list(resources.pods, 'default')).toHaveLength(2);
  });
});
