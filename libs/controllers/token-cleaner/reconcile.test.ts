import { expect, test } from '@jest/globals';
import { encodeBase64, formatTime, instant } from '../../kit/index.js';
import { resources } from '../../reconciling/index.js';
import { World } from '../testing/world.js';
import { tokenCleaner } from './reconcile.js';

test('a join token goes when its time is over, and not before', () => {
  const world = new World();
  world.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: { expiration: encodeBase64(formatTime(instant(world.nowMs + 60_000))) },
  });
  world.settle([tokenCleaner]);
  expect(world.get(resources.secrets, 'bootstrap-token-abcdef', 'kube-system')).toBeDefined();
  world.nowMs += 61_000;
  world.settle([tokenCleaner]);
  expect(world.get(resources.secrets, 'bootstrap-token-abcdef', 'kube-system')).toBeUndefined();
});
