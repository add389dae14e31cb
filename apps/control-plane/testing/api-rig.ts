/** A control plane process inside the test: API only, memory store, loopback, its own data directory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubectlFor, type Kubectl } from '../../../test/support/kubectl.js';
import { controlPlaneDefaults } from '../config.js';
import { startControlPlane, type ControlPlane } from '../control-plane.js';
import { fakeNodes } from './fake-nodes.js';

export interface ApiRig extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly dataDir: string;
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
}

export async function startApiRig(roles: ControlPlane['parts']['config']['roles'] = ['api']): Promise<ApiRig> {
  const dataDir = await mkdtemp(join(tmpdir(), 'berth-api-'));
  const controlPlane = await startControlPlane(
    {
      ...controlPlaneDefaults,
      clusterName: 'api-test',
      dataDir,
      roles,
      store: { kind: 'memory' },
      api: { host: '127.0.0.1', port: 0 },
      gateway: { host: '127.0.0.1', port: 0 },
      log: { level: 'error', format: 'text' },
    },
    { streams: fakeNodes() },
  );
  const kubeconfig = join(dataDir, 'admin.kubeconfig');
  return {
    controlPlane,
    dataDir,
    kubeconfig,
    kubectl: await kubectlFor(kubeconfig),
    [Symbol.asyncDispose]: async () => {
      await controlPlane[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
