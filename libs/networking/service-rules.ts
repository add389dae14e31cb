/** The compiled form of all Services: data that an nftables adapter applies and a simulator can answer from. */
export type TransportProtocol = 'TCP' | 'UDP' | 'SCTP';

export interface ServiceBackend {
  readonly address: string;
  readonly port: number;
}

export interface ServiceFrontend {
  /** `clusterIP`, `externalIP` and load balancer addresses match on the address; `nodePort` on every local address. */
  readonly kind: 'address' | 'node-port';
  /** Absent for node ports. */
  readonly address?: string | undefined;
  readonly port: number;
  readonly protocol: TransportProtocol;
  /** `namespace/name:port`, for comments and counters. */
  readonly service: string;
  /** Sorted by address, then port. */
  readonly backends: readonly ServiceBackend[];
  /** Seconds of ClientIP affinity; absent = none. */
  readonly affinitySeconds?: number | undefined;
  /** `externalTrafficPolicy: Local` / `internalTrafficPolicy: Local`: backends are this host's only, and the client's address is kept. */
  readonly local: boolean;
  /**
   * Where clients inside the cluster go when an outside address has the policy `Local`: to the backends of every host
   * (Kubernetes docs, "Traffic from inside the cluster is not subject to externalTrafficPolicy"). Absent otherwise.
   */
  readonly insideBackends?: readonly ServiceBackend[] | undefined;
  /** What a client meets when it has no backend: a refusal, or silence when only this host has none (policy `Local`). */
  readonly whenEmpty: 'reject' | 'drop';
  /** CIDRs of the clients that may use a load balancer address; absent = all. */
  readonly sourceRanges?: readonly string[] | undefined;
}

export interface ServiceRules {
  /** Sorted by kind, address, port, protocol, so that equal inputs give equal outputs. */
  readonly frontends: readonly ServiceFrontend[];
}

/** What a frontend matches on; unique in one `ServiceRules`. */
export function frontendKey(frontend: ServiceFrontend): string {
  const protocol = frontend.protocol.toLowerCase();
  return frontend.kind === 'address' ? `${frontend.address}/${protocol}/${frontend.port}` : `node-port/${protocol}/${frontend.port}`;
}
