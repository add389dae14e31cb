/** Wires the agent gateway: libs/gateway behind the gRPC server. The composition root calls it when the role `gateway` is on. */
import { startGatewayServer } from '../../../libs/adapters/grpc/index.js';
import type { ServerTls } from '../../../libs/adapters/grpc/index.js';
import type { NodeStreams, TokenSigner, UsageSource } from '../../../libs/apiserver/index.js';
import { cacheView, Enrolment, Gateway, issuePodToken } from '../../../libs/gateway/index.js';
import type { ImageSource, NodeCertificateSigner } from '../../../libs/gateway/index.js';
import type { Clock, IdSource, Logger } from '../../../libs/kit/index.js';
import type { ObjectClient } from '../../../libs/reconciling/index.js';
import type { WatchCache } from '../../../libs/storage/index.js';
import type { ControlPlaneConfig } from '../config.js';

export interface GatewayDependencies {
  readonly config: Pick<ControlPlaneConfig, 'gateway' | 'network'>;
  readonly cache: WatchCache;
  /** Acts with the rights of the nodes: status of pods and nodes, leases, events, deletion of pods. */
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  /** Server certificate for the advertised addresses, followed by the CA in the chain. */
  readonly tls: ServerTls;
  readonly nodeSigner: NodeCertificateSigner;
  readonly tokenSigner: TokenSigner;
  readonly images?: ImageSource | undefined;
}

export interface RunningGateway extends AsyncDisposable {
  readonly port: number;
  /** Reaches into pods; for the API server. */
  readonly streams: NodeStreams;
  /** Newest usage; for `metrics.k8s.io` and the autoscaler. */
  readonly usage: UsageSource;
  /** Names of connected nodes, for health and metrics. */
  connected(): readonly string[];
}

/** Bits of each node's part of the cluster CIDR (Kubernetes: --node-cidr-mask-size). */
const NODE_MASK_SIZE = 24;

/** Call it when the cache is filled. Throws when the address cannot be bound. */
export async function startGateway(dependencies: GatewayDependencies): Promise<RunningGateway> {
  const { config, cache, clock, tls, tokenSigner } = dependencies;
  const log = dependencies.log.child({ component: 'gateway' });
  const view = cacheView(cache);
  const gateway = new Gateway({ ...dependencies, log, addresses: { ...config.network, nodeMaskSize: NODE_MASK_SIZE } });
  gateway.start();
  const server = await startGatewayServer({
    ...config.gateway,
    tls,
    gateway,
    enrolment: new Enrolment({ view, signer: dependencies.nodeSigner, clock, log }),
    issueToken: (node, request) => issuePodToken({ view, signer: tokenSigner }, node, request),
    images: dependencies.images,
    log,
  });
  log.info('agent gateway listens', { host: config.gateway.host, port: server.port });
  return {
    port: server.port,
    streams: gateway.streams,
    usage: gateway.usage,
    connected: () => gateway.connected,
    [Symbol.asyncDispose]: async () => {
      gateway[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
