/**
 * Configuration of the control plane process: a JSON file named by `--config`. `berth up` and `berth server` write it;
 * operators may. Everything has a default except where the state lives.
 */
export type ControlPlaneRole = 'api' | 'controllers' | 'scheduler' | 'gateway' | 'operations';

export interface ControlPlaneConfig {
  /** Names links, hosts, tables and cgroups of this cluster. Default `berth`. */
  readonly clusterName: string;
  /** PKI, tokens, image store, kubeconfig. Default `/var/lib/berth`. */
  readonly dataDir: string;
  /** All by default. Several processes may share the roles; controllers and scheduler run on the elected leader. */
  readonly roles: readonly ControlPlaneRole[];
  readonly store:
    | { readonly kind: 'memory' }
    | {
        readonly kind: 'etcd';
        readonly endpoints: readonly string[];
        readonly caFile?: string;
        readonly certFile?: string;
        readonly keyFile?: string;
      };
  readonly redis?: { readonly url: string } | undefined;
  /** HTTPS of the Kubernetes API. Default 0.0.0.0:6443. */
  readonly api: { readonly host: string; readonly port: number };
  /** gRPC for agents. Default 0.0.0.0:6444. */
  readonly gateway: { readonly host: string; readonly port: number };
  /** Address under which agents and pods reach this control plane: in certificates, the `kubernetes` Endpoints and join tokens. */
  readonly advertiseAddress: string;
  /** Further names and addresses for the server certificate. */
  readonly extraSans: readonly string[];
  readonly network: {
    readonly clusterCidr: string;
    readonly serviceCidr: string;
    readonly dnsAddress: string;
    readonly clusterDomain: string;
    readonly nodePortMin: number;
    readonly nodePortMax: number;
  };
  /** How fast a lost host is acted upon, yet longer than an agent's restart takes; Kubernetes' own values are 40 s and 300 s. */
  readonly nodeLoss: { readonly leaseGraceSeconds: number; readonly defaultTolerationSeconds: number };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'json' | 'text' };
}

/** Values for everything that a file leaves out. */
export const controlPlaneDefaults: ControlPlaneConfig = {
  clusterName: 'berth',
  dataDir: '/var/lib/berth',
  roles: ['api', 'controllers', 'scheduler', 'gateway', 'operations'],
  store: { kind: 'etcd', endpoints: ['http://127.0.0.1:23790'] },
  api: { host: '0.0.0.0', port: 6443 },
  gateway: { host: '0.0.0.0', port: 6444 },
  advertiseAddress: '127.0.0.1',
  extraSans: [],
  network: {
    clusterCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/16',
    dnsAddress: '10.96.0.10',
    clusterDomain: 'cluster.local',
    nodePortMin: 30_000,
    nodePortMax: 32_767,
  },
  nodeLoss: { leaseGraceSeconds: 4, defaultTolerationSeconds: 2 },
  log: { level: 'info', format: 'json' },
};
