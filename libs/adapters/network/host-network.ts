/** The Linux data path of one host: bridge, tunnel, nftables and the DNS server, behind the ports of `libs/networking`. */
import type { Logger } from '../../kit/index.js';
import { cidrAddress, parseCidr, renderHostTable, renderRemoval } from '../../networking/index.js';
import type { DnsView, HostNetwork, PeerHost, PodAttachment, PodNetwork, ServiceRules } from '../../networking/index.js';
import { runCommand } from '../commands/index.js';
import type { RunCommand } from '../commands/index.js';
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
  readonly run?: RunCommand;
}

interface Running {
  readonly names: NetworkNames;
  readonly gateway: string;
  readonly start: StartOptions;
  readonly pods: VethPodNetwork;
  readonly services: ServiceTable;
  readonly peers: LatestOnly<readonly PeerHost[]>;
}

/** Linux's VXLAN port before IANA gave it one; Kubernetes networks use it since, so firewalls know it. */
const TUNNEL_PORT_DEFAULT = 8472;
const TUNNEL_ID_DEFAULT = 1;

/**
 * Works in the network namespace of the process. Disposing ends the DNS server and leaves links and rules in place, so
 * that pods keep their network over an agent restart; `remove` takes everything away.
 */
export class LinuxHostNetwork implements HostNetwork {
  private readonly run: RunCommand;
  private running: Promise<Running> | undefined;

  constructor(private readonly options: HostNetworkOptions) {
    this.run = options.run ?? runCommand;
  }

  /** The pods of this host; calls wait for `start`. */
  readonly pods: PodNetwork = {
    attach: async (pod: PodAttachment) => (await this.started()).pods.attach(pod),
    detach: async (podUid: string) => (await this.started()).pods.detach(podUid),
    attached: async () => (await this.started()).pods.attached(),
  };

  async start(start: StartOptions): Promise<void> {
    this.running = this.begin(start);
    await this.running;
  }

  async setPeers(peers: readonly PeerHost[]): Promise<void> {
    await (await this.started()).peers.submit(peers);
  }

  async setServices(rules: ServiceRules): Promise<void> {
    await (await this.started()).services.set(rules);
  }

  setDns(_view: DnsView): void {}

  /** Takes links, addresses, routes and tables away. Pods lose their network. */
  async remove(): Promise<void> {
    const { names, services } = await this.started();
    await this[Symbol.asyncDispose]();
    await services.remove();
    await nft(this.run, renderRemoval(names.hostTable));
    await removeLinks(this.run, names);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  private started(): Promise<Running> {
    return this.running ?? Promise.reject(new Error('the host network is not started: call start() first'));
  }

  private async begin(start: StartOptions): Promise<Running> {
    const { cluster, log, tunnelId = TUNNEL_ID_DEFAULT, tunnelPort = TUNNEL_PORT_DEFAULT } = this.options;
    const names = networkNames(cluster, start.nodeName);
    const { mtu } = await ensureLinks(this.run, names, { ...start, tunnelId, tunnelPort });
    await this.ensureHostTable(names, start);
    const pods = new VethPodNetwork({ run: this.run, names, podCidr: start.podCidr, mtu });
    await pods.load();
    const gateway = cidrAddress(parseCidr(start.podCidr), 1);
    const isOther = (peer: PeerHost) => peer.node !== start.nodeName && peer.address !== start.hostAddress;
    const peers = new LatestOnly<readonly PeerHost[]>((all) => applyPeers(this.run, { name: names.tunnel, gateway }, all.filter(isOther)));
    const services = new ServiceTable(this.run, log, names.serviceTable, start);
    log.info('host network is up', { bridge: names.bridge, podCidr: start.podCidr, mtu });
    return { names, gateway, start, pods, services, peers };
  }

  /** An existing table stays: it holds the host ports of running pods. */
  private async ensureHostTable(names: NetworkNames, start: StartOptions): Promise<void> {
    const tables = await this.run(['nft', 'list', 'tables', 'ip']);
    if (!tables.split('\n').includes(`table ip ${names.hostTable}`)) await nft(this.run, renderHostTable(names.hostTable, start));
  }
}
