/** The compiled form of all Services: data that an nftables adapter applies and a simulator can answer from. */
export interface ServiceFrontend {
  /** `clusterIP`, `externalIP` and load balancer addresses match on the address; `nodePort` on every local address. */
  readonly kind: 'address' | 'node-port';
  /** Absent for node ports. */
  readonly address?: string | undefined;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** `namespace/name:port`, for comments and counters. */
  readonly service: string;
  readonly backends: readonly { readonly address: string; readonly port: number }[];
  /** Seconds of ClientIP affinity; absent = none. */
  readonly affinitySeconds?: number | undefined;
  /** `externalTrafficPolicy: Local` / `internalTrafficPolicy: Local`: backends are this host's only, and the client's address is kept. */
  readonly local: boolean;
}

export interface ServiceRules {
  /** Sorted by kind, address, port, protocol, so that equal inputs give equal outputs. */
  readonly frontends: readonly ServiceFrontend[];
}
