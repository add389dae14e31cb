/** The whole API behind plain HTTP on a port of this machine, on a store in memory: for tests of what clients see. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveHttp } from '../../apps/control-plane/api/transport.js';
import { SystemClock, SystemIds } from '../../libs/adapters/system/index.js';
import { StatusError } from '../../libs/api/index.js';
import { createApi, createApiContext, ensureBootstrapObjects } from '../../libs/apiserver/index.js';
import { RecordingLogger } from '../../libs/kit/testing/index.js';
import { MemoryStore, startWatchCache } from '../../libs/storage/index.js';

export interface InMemoryApi extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Of a cluster administrator. */
  readonly token: string;
}

const ADMIN_TOKEN = 'test-admin';

/** Serves until it is disposed. */
export async function startInMemoryApi(): Promise<InMemoryApi> {
  const clock = new SystemClock();
  const log = new RecordingLogger();
  const store = new MemoryStore(clock);
  const cache = await startWatchCache(store, clock, log);
  const absent = (): never => {
    throw new StatusError('ServiceUnavailable', 'there are no nodes in this test');
  };
  const settings = {
    serviceCidr: '10.96.0.0/16',
    nodePortMin: 30_000,
    nodePortMax: 32_767,
    defaultTolerationSeconds: 1,
    advertiseAddress: '127.0.0.1',
    securePort: 6443,
    dnsAddress: '10.96.0.10',
  };
  const context = createApiContext({ store, cache, clock, ids: new SystemIds(), log, settings });
  const api = createApi({
    context,
    tokens: { issue: absent, verify: absent },
    staticTokens: { find: (token) => (token === ADMIN_TOKEN ? { name: 'admin', groups: ['system:masters'] } : undefined) },
    nodes: { logs: absent, exec: absent, attach: absent, connect: absent },
    usage: { nodes: () => [], pods: () => [] },
    health: [],
  });
  await ensureBootstrapObjects(context);
  const server = createServer((request, response) => void serveHttp(api, request, response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has a port
  return {
    url: `http://127.0.0.1:${port}`,
    token: ADMIN_TOKEN,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await cache[Symbol.asyncDispose]();
    },
  };
}
