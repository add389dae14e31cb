/** Configuration of a node agent: a JSON file named by `--config`. `berth up` and `berth join` write it. */
export interface NodeAgentConfig {
  readonly clusterName: string;
  readonly nodeName: string;
  /** This host's address towards the other hosts. */
  readonly nodeAddress: string;
  /** `host:port` of the gateway. */
  readonly gateway: string;
  /** Exchanged for a certificate at first start; not needed once `<dataDir>/pki` holds one. */
  readonly joinToken?: string | undefined;
  /** Persistent: certificate, last assignment, container bundles, logs, volumes. Each host has its own. */
  readonly dataDir: string;
  /** Until reboot: pinned namespaces, sockets. */
  readonly runDir: string;
  /** Layers; hosts of one machine share one. Default `<dataDir>/images`. */
  readonly imageDir: string;
  /** Parent of all pod cgroups, e.g. `berth/<cluster>/<node>`. */
  readonly cgroupRoot: string;
  /** Labels added to the Node. */
  readonly labels: Readonly<Record<string, string>>;
  /** Capacity to report instead of the machine's: hosts on one machine share it. CPU in cores, memory in bytes. */
  readonly capacity?: { readonly cpu?: number; readonly memoryBytes?: number; readonly pods?: number } | undefined;
  /** Upstream resolvers for names outside the cluster; default: those of /etc/resolv.conf. */
  readonly dnsUpstreams?: readonly string[] | undefined;
  /** Registries spoken to over plain HTTP, `host:port`; loopback always is. */
  readonly insecureRegistries: readonly string[];
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'json' | 'text' };
}
