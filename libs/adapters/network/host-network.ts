/** The Linux data path of one host: bridge, tunnel, nftables and the DNS server, behind the ports of `libs/networking`. */
import type { Logger } from '../../kit/index.js';
import { cidrAddress, parseCidr, renderHostTable, renderRemoval } from '../../networking/index.js';
import type { DnsView, HostNetwork, PeerHost, PodAttachment, PodNetwork, ServiceRules } from '../../networking/index.js';
import { runCommand } from '../commands/index.js';
import type { RunCommand } from '../commands/index.js';
import { CniPodNetwork, loadCniConfig } from './cni.js';
import type { CniOptions, NetworkConfigList } from './cni.js';
import { readResolvers } from './dns/resolv-conf.js';
import { Resolver } from './dns/resolver.js';
import { DnsServer } from './dns/server.js';
import { Upstream } from './dns/upstream.js';
import type { UpstreamServer } from './dns/upstream.js';
import { ensureLinks, removeLinks } from './host-links.js';
import { LatestOnly } from './latest.js';
import { networkNames } from './names.js';
import type { NetworkNames } from './names.js';
import { VethPodNetwork } from './pod-network.js';
import { ServiceTable, nft } from './service-rules.js';
import { applyPeers } from './tunnel.js';

type StartOptions = Parameters<HostNetwork['start']>[0];

export interface HostNetworkOptions {
  readonly cluster: string;
  readonly log: Logger;
  /** Network identifier and UDP port of the tunnel; hosts of one cluster agree on them. */
  readonly tunnelId?: number;
  readonly tunnelPort?: number;
  /** Resolvers for names outside of the cluster; default: those of /etc/resolv.conf. Empty = none, such names fail at once. */
  readonly upstreams?: readonly UpstreamServer[];
  /** Where to look for CNI plugins. When the folder holds a configuration, they connect the pods of this host. */
  readonly cni?: CniOptions;
  readonly run?: RunCommand;
}

interface Running {
  readonly names: NetworkNames;
  readonly pods: PodNetwork;
  readonly services: ServiceTable;
  readonly peers: LatestOnly<readonly PeerHost[]>;
  readonly resolver: Resolver;
  readonly dns: DnsServer;
}

/** Linux's VXLAN port before IANA gave it one; Kubernetes networks use it since, so firewalls know it. */
const TUNNEL_PORT_DEFAULT = 8472;
const TUNNEL_ID_DEFAULT = 1;
const DNS_PORT = 53;

/**
 * Works in the network namespace of the process. Disposing ends the DNS server and leaves links and rules in place, so
 * that pods keep their network over an agent restart; `remove` takes everything away.
 */
export class LinuxHostNetwork implements HostNetwork {
  private readonly run: RunCommand;
  private running: Promise<Running> | undefined;
  private view: DnsView | undefined;

  constructor(private readonly options: HostNetworkOptions) {
    this.run = options.run ?? runCommand;
  }

  /** The pods of this host; calls wait for `start`. */
  readonly pods: PodNetwork = {
    attach: async (pod: PodAttachment) => (await this.started()).pods.attach(pod),
    detach: async (podUid: string) => (await this.started()).pods.detach(podUid),
    attached: async () => (await this.started()).pods.attached(),
  };

  /** Idempotent: a second call starts anew with its options. Throws when an address is missing or a command fails. */
  async start(start: StartOptions): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.running = this.begin(start);
    await this.running;
  }

  async setPeers(peers: readonly PeerHost[]): Promise<void> {
    await (await this.started()).peers.submit(peers);
  }

  async setServices(rules: ServiceRules): Promise<void> {
    await (await this.started()).services.set(rules);
  }

  setDns(view: DnsView): void {
    this.view = view;
    // Without a running server the view waits for `start`, which reports its own failure.
    this.running?.then(({ resolver }) => resolver.set(view)).catch(() => undefined);
  }

  /** Takes links, addresses, routes and tables away. Pods lose their network. */
  async remove(): Promise<void> {
    const { names, services } = await this.started();
    await this[Symbol.asyncDispose]();
    await services.remove();
    await nft(this.run, renderRemoval(names.hostTable));
    await removeLinks(this.run, names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = await this.running?.catch(() => undefined);
    this.running = undefined;
    await running?.dns[Symbol.asyncDispose]();
  }

  private started(): Promise<Running> {
    return this.running ?? Promise.reject(new Error('the host network is not started: call start() first'));
  }

  private async begin(start: StartOptions): Promise<Running> {
    const { cluster, log, tunnelId = TUNNEL_ID_DEFAULT, tunnelPort = TUNNEL_PORT_DEFAULT } = this.options;
    const names = networkNames(cluster, start.nodeName);
    const cni = this.options.cni === undefined ? undefined : await loadCniConfig(this.options.cni.configDir);
    const { mtu } = await ensureLinks(this.run, names, { ...start, tunnelId, tunnelPort, isCni: cni !== undefined });
    const pods = await this.createPodNetwork(names, start, { mtu, cni });
    const peers = this.createPeers(names, start, cni !== undefined);
    const services = new ServiceTable(this.run, log, names.serviceTable, start);
    const resolver = await this.createResolver(start);
    const handle = (bytes: Uint8Array, transport: 'udp' | 'tcp') => resolver.handle(bytes, transport);
    const dns = await DnsServer.listen({ address: start.dnsAddress, port: DNS_PORT, handle, log });
    log.info('host network is up', { bridge: names.bridge, podCidr: start.podCidr, mtu, cni: cni?.name });
    return { names, pods, services, peers, resolver, dns };
  }

  private async createPodNetwork(
    names: NetworkNames,
    start: StartOptions,
    { mtu, cni }: { readonly mtu: number; readonly cni: NetworkConfigList | undefined },
  ): Promise<PodNetwork> {
    if (cni !== undefined && this.options.cni !== undefined) return new CniPodNetwork(this.run, this.options.cni, cni);
    await this.ensureHostTable(names, start);
    const pods = new VethPodNetwork({ run: this.run, names, podCidr: start.podCidr, mtu });
    await pods.load();
    return pods;
  }

  /** With CNI the way to other hosts is the plugins' business. */
  private createPeers(names: NetworkNames, start: StartOptions, isCni: boolean): LatestOnly<readonly PeerHost[]> {
    if (isCni) return new LatestOnly(() => Promise.resolve());
    const gateway = cidrAddress(parseCidr(start.podCidr), 1);
    const isOther = (peer: PeerHost) => peer.node !== start.nodeName && peer.address !== start.hostAddress;
    return new LatestOnly((all) => applyPeers(this.run, { name: names.tunnel, gateway }, all.filter(isOther)));
  }

  private async createResolver(start: StartOptions): Promise<Resolver> {
    const servers = this.options.upstreams ?? (await readResolvers('/etc/resolv.conf', start.dnsAddress));
    const resolver = new Resolver({
      domain: start.clusterDomain.toLowerCase(),
      ownCidrs: [start.clusterCidr, start.serviceCidr],
      upstream: new Upstream(servers, () => performance.now()),
      log: this.options.log,
    });
    if (this.view !== undefined) resolver.set(this.view);
    return resolver;
  }

  /** An existing table stays: it holds the host ports of running pods. */
  private async ensureHostTable(names: NetworkNames, start: StartOptions): Promise<void> {
    const tables = await this.run(['nft', 'list', 'tables', 'ip']);
    if (!tables.split('\n').includes(`table ip ${names.hostTable}`)) await nft(this.run, renderHostTable(names.hostTable, start));
  }
}
