/** The composition root: builds every part of one control plane process from its configuration and starts the roles asked for. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { podHttp } from '../../libs/adapters/pod-http/index.js';
import { ClusterImageStore } from '../../libs/adapters/images/index.js';
import { createLogger, SystemClock, SystemIds } from '../../libs/adapters/system/index.js';
import { createNodeSigner, createTokenSigner, openPki, type ServerNames } from '../../libs/adapters/x509/index.js';
import {
  createApi,
  createApiContext,
  createObjectClient,
  ensureBootstrapObjects,
  type ApiSettings,
  type HealthCheck,
  type NodeStreams,
  type UsageSource,
} from '../../libs/apiserver/index.js';
import { startWatchCache } from '../../libs/storage/index.js';
import { accountCheck } from './account-check.js';
import { startApiServer } from './api/server.js';
import type { ControlPlaneConfig, ControlPlaneRole } from './config.js';
import { startGateway, type RunningGateway } from './gateway/start-gateway.js';
import { storeHealth } from './health.js';
import { writeKubeconfig } from './kubeconfig.js';
import { Lifetimes } from './lifetimes.js';
import { keepLocalJoinToken } from './local-join-token.js';
import { openStore } from './open-store.js';
import { leadControllers, leadScheduler } from './leaders.js';
import { componentUser, type ControlPlaneParts } from './parts.js';
import { buildImageHandler } from './operations/build-image.js';
import { BuildContexts } from './operations/build-contexts.js';
import { startOperationsRole } from './operations/start-operations-role.js';
import { loadStaticTokens } from './static-tokens.js';
import { noNodes, noUsage } from './without-gateway.js';

export interface ControlPlane extends AsyncDisposable {
  readonly parts: ControlPlaneParts;
  /** Port of the API; `undefined` where the process does not have that role. */
  readonly apiPort: number | undefined;
  readonly gateway: RunningGateway | undefined;
}

/** Other ways to the nodes than the gateway's; for tests. */
export interface Overrides {
  readonly streams?: NodeStreams | undefined;
  readonly usage?: UsageSource | undefined;
}

/** Starts the process's roles; resolves when the API answers. Disposing stops them in reverse order. */
export async function startControlPlane(config: ControlPlaneConfig, overrides: Overrides = {}): Promise<ControlPlane> {
  const running = new Lifetimes();
  try {
    const parts = await openParts(config, running);
    await ensureBootstrapObjects(parts.context);
    const has = (role: ControlPlaneRole): boolean => config.roles.includes(role);
    const gateway = has('gateway') ? running.use(await startGatewayRole(parts)) : undefined;
    if (has('controllers')) running.use(leadControllers(parts, gateway?.usage ?? noUsage));
    if (has('scheduler')) running.use(leadScheduler(parts));
    const contexts = new BuildContexts(join(config.dataDir, 'contexts'));
    const builds = { folder: join(config.dataDir, 'builds'), cgroup: `/berth/${config.clusterName}/builds` };
    const handlers = { BuildImage: buildImageHandler({ images: parts.images, contexts, ...builds }) };
    const operations =
      has('operations') && config.redis !== undefined ? running.use(startOperationsRole(parts, config.redis.url, handlers)) : undefined;
    const apiPort = has('api')
      ? await startApiRole(
          parts,
          { streams: gateway?.streams, usage: gateway?.usage, ...overrides, contexts, health: operations?.health },
          running,
        )
      : undefined;
    return { parts, apiPort, gateway, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}

async function openParts(config: ControlPlaneConfig, running: Lifetimes): Promise<ControlPlaneParts> {
  const clock = new SystemClock();
  const ids = new SystemIds();
  const log = createLogger({ level: config.log.level, format: config.log.format === 'text' ? 'human' : 'json' });
  const store = running.use(await openStore(config, clock, log));
  const cache = running.use(await startWatchCache(store, clock, log));
  const pki = await openPki(join(config.dataDir, 'pki'), serverNames(config), clock.now());
  const tokens = createTokenSigner({ keyPem: pki.tokenKeyPem, clock, newId: () => ids.uid(), subjectExists: accountCheck(cache) });
  const context = createApiContext({ store, cache, clock, ids, log: log.child({ part: 'api' }), settings: apiSettings(config) });
  const images = new ClusterImageStore(join(config.dataDir, 'cluster-images'));
  return { images, config, clock, ids, log, store, cache, pki, tokens, context, candidate: `${hostname()}_${ids.uid()}` };
}

async function startGatewayRole(parts: ControlPlaneParts): Promise<RunningGateway> {
  const { config, pki, cache, clock, ids, log, context, tokens } = parts;
  const client = createObjectClient({ context }, componentUser('berth-gateway'));
  const gateway = await startGateway({
    config,
    cache,
    client,
    clock,
    ids,
    log,
    tls: { certificateChainPem: pki.server.certificatePem + pki.caPem, keyPem: pki.server.keyPem, caPem: pki.caPem },
    nodeSigner: createNodeSigner(pki.authority, clock),
    tokenSigner: tokens,
    images: parts.images,
  });
  const address = `${config.advertiseAddress}:${gateway.port}`;
  await keepLocalJoinToken(join(config.dataDir, 'join-token'), { client, cache, clock, address, caPem: pki.caPem });
  return gateway;
}

interface ApiRoleNeeds extends Overrides {
  readonly contexts: BuildContexts;
  /** Of the operations role, where it runs here. */
  readonly health: HealthCheck | undefined;
}

async function startApiRole(
  parts: ControlPlaneParts,
  { streams, usage, contexts, health }: ApiRoleNeeds,
  running: Lifetimes,
): Promise<number> {
  const { config, pki, log, store, tokens, context } = parts;
  const api = createApi({
    context,
    tokens,
    staticTokens: await loadStaticTokens(join(config.dataDir, 'tokens.csv')),
    nodes: streams ?? noNodes,
    podHttp: podHttp(streams ?? noNodes),
    usage: usage ?? noUsage,
    health: [storeHealth(store), ...(health === undefined ? [] : [health])],
  });
  const { host, port } = config.api;
  const server = running.use(await startApiServer(api, { host, port, caPem: pki.caPem, certificate: pki.server, contexts }));
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
