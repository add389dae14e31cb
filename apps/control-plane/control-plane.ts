/** The composition root: builds every part of one control plane process from its configuration and starts the roles asked for. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createLogger, SystemClock, SystemIds } from '../../libs/adapters/system/index.js';
import { createTokenSigner, openPki, type Pki, type ServerNames } from '../../libs/adapters/x509/index.js';
import { createApi, ensureBootstrapObjects, type Api, type ApiSettings } from '../../libs/apiserver/index.js';
import type { Clock, IdSource, Logger } from '../../libs/kit/index.js';
import { startWatchCache, type Store, type WatchCache } from '../../libs/storage/index.js';
import { startApiServer } from './api/server.js';
import type { ControlPlaneConfig } from './config.js';
import { storeHealth } from './health.js';
import { writeKubeconfig } from './kubeconfig.js';
import { Lifetimes } from './lifetimes.js';
import { openStore } from './open-store.js';
import { accountCheck } from './account-check.js';
import { loadStaticTokens } from './static-tokens.js';
import { noNodes, noUsage } from './without-gateway.js';

/** What the roles are built from. */
export interface ControlPlaneParts {
  readonly config: ControlPlaneConfig;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  readonly store: Store;
  readonly cache: WatchCache;
  readonly pki: Pki;
  readonly api: Api;
}

export interface ControlPlane extends AsyncDisposable {
  readonly parts: ControlPlaneParts;
  /** Port of the API; `undefined` where the process does not have that role. */
  readonly apiPort: number | undefined;
}

/** Starts the process's roles; resolves when the API answers. Disposing stops them in reverse order. */
export async function startControlPlane(config: ControlPlaneConfig): Promise<ControlPlane> {
  await using starting = new Lifetimes();
  const clock = new SystemClock();
  const ids = new SystemIds();
  const log = createLogger({ level: config.log.level, format: config.log.format === 'text' ? 'human' : 'json' });
  const store = starting.use(await openStore(config, clock, log));
  const cache = starting.use(await startWatchCache(store, clock, log));
  const pki = await openPki(join(config.dataDir, 'pki'), serverNames(config), clock.now());
  const api = createApi({
    store,
    cache,
    clock,
    ids,
    log: log.child({ part: 'api' }),
    settings: apiSettings(config),
    tokens: createTokenSigner({ keyPem: pki.tokenKeyPem, clock, newId: () => ids.uid(), subjectExists: accountCheck(cache) }),
    staticTokens: await loadStaticTokens(join(config.dataDir, 'tokens.csv')),
    nodes: noNodes,
    usage: noUsage,
    health: [storeHealth(store)],
  });
  await ensureBootstrapObjects(api);
  const parts: ControlPlaneParts = { config, clock, ids, log, store, cache, pki, api };
  const apiPort = config.roles.includes('api') ? await startApi(parts, starting) : undefined;
  const running = starting.move();
  return { parts, apiPort, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

async function startApi({ config, pki, api, log }: ControlPlaneParts, starting: Lifetimes): Promise<number> {
  const { host, port } = config.api;
  const server = starting.use(await startApiServer(api, { host, port, caPem: pki.caPem, certificate: pki.server }));
  await writeKubeconfig(join(config.dataDir, 'admin.kubeconfig'), {
    clusterName: config.clusterName,
    server: `https://${config.advertiseAddress}:${server.port}`,
    caPem: pki.caPem,
    user: `${config.clusterName}-admin`,
    credentials: pki.admin,
  });
  log.info('API is up', { host, port: server.port });
  return server.port;
}

function apiSettings({ network, nodeLoss, advertiseAddress, api }: ControlPlaneConfig): ApiSettings {
  return {
    serviceCidr: network.serviceCidr,
    nodePortMin: network.nodePortMin,
    nodePortMax: network.nodePortMax,
    defaultTolerationSeconds: nodeLoss.defaultTolerationSeconds,
    advertiseAddress,
    securePort: api.port,
    dnsAddress: network.dnsAddress,
  };
}

/** Every name by which pods, agents and users may call this server. */
function serverNames({ advertiseAddress, extraSans, network, api }: ControlPlaneConfig): ServerNames {
  const inCluster = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${network.clusterDomain}`];
  const all = [
    ...inCluster,
    'localhost',
    hostname(),
    '127.0.0.1',
    advertiseAddress,
    firstServiceAddress(network.serviceCidr),
    api.host,
    ...extraSans,
  ];
  const names = [...new Set(all)].filter((name) => name !== '' && name !== '0.0.0.0' && name !== '::');
  return { dnsNames: names.filter((name) => isIP(name) === 0), addresses: names.filter((name) => isIP(name) !== 0) };
}

function firstServiceAddress(cidr: string): string {
  const bytes = (cidr.split('/')[0] ?? '').split('.').map(Number);
  return [...bytes.slice(0, 3), (bytes[3] ?? 0) + 1].join('.');
}
