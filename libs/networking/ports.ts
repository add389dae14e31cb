/** What the agent's network side is asked to do; implemented by `libs/adapters/network` (ip, nftables, DNS sockets) and by the simulator. */
import type { DnsView } from './dns-view.js';
import type { ServiceRules } from './service-rules.js';

export interface PodAttachment {
  readonly podUid: string;
  /** Path of the pinned network namespace. */
  readonly netnsPath: string;
  readonly hostname: string;
  /** The pod's namespace and name, told to CNI plugins. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly ports: readonly {
    readonly hostPort: number;
    readonly hostIp: string;
    readonly containerPort: number;
    readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  }[];
}

/** A pod's network. Attach is idempotent by uid: a second call answers the address given before, also after an agent restart. */
export interface PodNetwork {
  attach(pod: PodAttachment): Promise<{ readonly ip: string; readonly ips: readonly string[] }>;
  /** Releases address, link and host ports; harmless when nothing is attached. */
  detach(podUid: string): Promise<void>;
  /** Uids that hold an address: what an agent that starts anew compares with its assignment. */
  attached(): Promise<readonly string[]>;
}

/** Another host: where its pods' addresses are. */
export interface PeerHost {
  readonly node: string;
  readonly address: string;
  readonly podCidr: string;
}

/**
 * The host's data path. Each call takes the whole wanted state and applies the difference, as one transaction where the
 * kernel has one; it resolves when the kernel follows that state, or a newer one. Disposing stops the DNS server and
 * leaves the data path in place: pods keep their network while an agent restarts.
 */
export interface HostNetwork extends AsyncDisposable {
  /** Bridge, addresses, VXLAN device, forwarding; idempotent. */
  start(options: {
    readonly nodeName: string;
    readonly hostAddress: string;
    readonly podCidr: string;
    readonly clusterCidr: string;
    readonly serviceCidr: string;
    readonly dnsAddress: string;
    readonly clusterDomain: string;
  }): Promise<void>;
  setPeers(peers: readonly PeerHost[]): Promise<void>;
  setServices(rules: ServiceRules): Promise<void>;
  setDns(view: DnsView): void;
  /** Takes links, addresses, routes and rules away, for a host that leaves the cluster. Pods lose their network. */
  remove(): Promise<void>;
}
