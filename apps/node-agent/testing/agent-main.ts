/** The real agent with one image that is a folder: `BERTH_TEST_LAYER` is the root file system of `test/busybox:1`. */
import type { ImageStore, ResolvedImage } from '../../../libs/agent/index.js';
import { ImagePullError } from '../../../libs/agent/index.js';
import { exitWith, runAgent } from '../run-agent.js';

const REFERENCE = 'test/busybox:1';

function folderImages(layer: string): ImageStore {
  const config = { entrypoint: [], cmd: [], env: [], workingDir: '/', user: '', volumes: [] };
  const image: ResolvedImage = { reference: REFERENCE, id: 'sha256:00', sizeBytes: 1, layers: [layer], config };
  return {
    find: async (reference) => (reference === REFERENCE ? image : undefined),
    pull: async (reference) => {
      if (reference === REFERENCE) return image;
      throw new ImagePullError('ErrImagePull', `no image "${reference}" in this test`);
    },
    list: async () => [{ names: [REFERENCE], sizeBytes: 1 }],
  };
}

runAgent(process.argv.slice(2), async () => folderImages(process.env['BERTH_TEST_LAYER'] ?? '/')).catch(exitWith);
