import { expect, test } from '@jest/globals';
import { FakeClock } from '../../kit/testing/index.js';
import { neverCancelled } from '../../kit/index.js';
import type { ImageStore, ResolvedImage } from '../ports.js';
import { ImagePuller } from './image-puller.js';

const image: ResolvedImage = {
  reference: 'docker.io/library/big:1',
  id: 'sha256:1',
  sizeBytes: 300_000_000,
  layers: [],
  config: { entrypoint: [], cmd: [], env: [], workingDir: '', user: '', volumes: [] },
};

test('a long pull tells every five seconds how far it is', async () => {
  const clock = new FakeClock();
  const images: ImageStore = {
    find: async () => undefined,
    list: async () => [],
    pull: async (_reference, _credentials, onProgress) => {
      for (let second = 1; second <= 12; second++) {
        await clock.advance(1_000);
        onProgress({ layersTotal: 3, layersDone: second >= 6 ? 1 : 0, bytesTotal: 300_000_000, bytesDone: second * 20_000_000 });
      }
      return image;
    },
  };
  const told: string[] = [];
  await new ImagePuller(images, clock).ensure(
    { name: 'c', image: 'big:1' },
    [],
    (_type, reason, message) => told.push(`${reason}: ${message}`),
    neverCancelled,
  );
  expect(told.filter((line) => line.startsWith('PullProgress'))).toEqual([
    'PullProgress: Pulling image "big:1": 0 of 3 layers, 100.0 of 300.0 MB',
    'PullProgress: Pulling image "big:1": 1 of 3 layers, 200.0 of 300.0 MB',
  ]);
});
