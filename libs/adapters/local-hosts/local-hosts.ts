/**
 * Hosts on one machine: each a network namespace with an address on a common bridge. An agent that runs inside cannot
 * tell it from a machine of its own, except that the kernel, the disk and the clock are shared.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { CommandError, inNetworkNamespace, runCommand } from '../commands/index.js';
import type { RunCommand } from '../commands/index.js';
import { macOf } from '../../networking/index.js';
import { NETNS_DIR, aliasPrefix, hostLink, hostNetns, outsideTable } from './names.js';

export interface LocalHostsOptions {
  readonly cluster: string;
  /** Name of the bridge in the machine's own namespace, at most 15 characters. */
  readonly bridge: string;
  /** The machine's address on the bridge with its prefix: `10.88.0.1/24`. */
  readonly bridgeAddress: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly dnsAddress: string;
  readonly clusterDomain: string;
  /** Lets hosts (and through them pods) reach what the machine reaches. Off by default: it turns the machine's `ip_forward` on, for good. */
  readonly outside?: boolean;
  readonly run?: RunCommand;
}

export interface LocalHost {
  readonly name: string;
  readonly address: string;
  readonly netns: string;
  readonly netnsPath: string;
}

export class LocalHosts {
  private readonly run: RunCommand;

  constructor(private readonly options: LocalHostsOptions) {
    this.run = options.run ?? runCommand;
  }

  /** Makes the bridge if need be, and the host with its address. Idempotent. */
  async createHost(host: { readonly name: string; readonly address: string }): Promise<LocalHost> {
    await this.ensureBridge();
    const made = this.locate(host);
    const names = (await this.run(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0]);
    if (!names.includes(made.netns)) await this.run(['ip', 'netns', 'add', made.netns]);
    await this.writeResolverFile(made);
    await this.connect(made);
    await this.setKernelOptions(made);
    await this.routeFromMachine(made);
    return made;
  }

  /** Removes cable, namespace and resolver file; harmless when they are gone. Processes inside must have ended before. */
  async destroyHost(name: string): Promise<void> {
    const { netns } = this.locate({ name, address: '' });
    // The link first, and by itself: the kernel takes a namespace apart later, in the background.
    await this.tolerate(/Cannot find device/, ['ip', 'link', 'del', 'dev', hostLink(this.options.cluster, name)]);
    await this.tolerate(/No such file/, ['ip', 'netns', 'del', netns]);
    await rm(`/etc/netns/${netns}`, { recursive: true, force: true });
  }

  /** Removes the bridge, and with it the machine's routes to pods and Services. */
  async destroyBridge(): Promise<void> {
    await this.tolerate(/Cannot find device/, ['ip', 'link', 'del', 'dev', this.options.bridge]);
    const table = outsideTable(this.options.cluster);
    await this.run(['nft', '-f', '-'], { input: `add table ip ${table}\ndelete table ip ${table}\n` });
  }

  /**
   * Starts a process in the host's network and in the machine's mounts: an agent's pinned namespaces and overlays must
   * outlive it. (`ip netns exec` gives a private view of mounts; that, and its resolver file, suit a user's shell.)
   */
  runInHost(name: string, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('nsenter', [`--net=${NETNS_DIR}/${hostNetns(this.options.cluster, name)}`, ...argv], options);
  }

  private locate(host: { readonly name: string; readonly address: string }): LocalHost {
    const netns = hostNetns(this.options.cluster, host.name);
    return { ...host, netns, netnsPath: `${NETNS_DIR}/${netns}` };
  }

  private async ensureBridge(): Promise<void> {
    const { bridge, bridgeAddress, cluster } = this.options;
    await this.tolerate(/File exists/, ['ip', 'link', 'add', bridge, 'type', 'bridge', 'mcast_snooping', '0']);
    await this.run(['ip', '-batch', '-'], {
      input: `link set ${bridge} up alias "${aliasPrefix(cluster)}bridge"\naddr replace ${bridgeAddress} dev ${bridge}\n`,
    });
    if (this.options.outside === true) await this.allowOutside();
  }

  private async connect(host: LocalHost): Promise<void> {
    const { bridge, bridgeAddress, cluster } = this.options;
    const link = hostLink(cluster, host.name);
    const inside = inNetworkNamespace(host.netnsPath, this.run);
    const [gateway = '', prefix = '24'] = bridgeAddress.split('/');
    const links = await inside(['ip', '-o', 'link', 'show']);
    if (!/ eth0[@:]/.test(links)) {
      await this.tolerate(/Cannot find device/, ['ip', 'link', 'del', 'dev', link]);
      // The same hardware address each time: nobody who knew the host before must ask again.
      const peer = `peer name eth0 netns ${host.netnsPath} address ${macOf(host.address, 'host')}`;
      await this.run(['ip', '-batch', '-'], { input: `link add ${link} master ${bridge} type veth ${peer}\n` });
    }
    await this.run(['ip', 'link', 'set', link, 'up', 'alias', `${aliasPrefix(cluster)}${host.name}`]);
    await inside(['ip', '-batch', '-'], {
      input:
        `link set lo up\naddr replace ${host.address}/${prefix} dev eth0\nlink set eth0 up\n` +
        `route replace default via ${gateway} dev eth0\n`,
    });
  }

  /** `ip netns exec` shows this file as /etc/resolv.conf. */
  private async writeResolverFile(host: LocalHost): Promise<void> {
    const { dnsAddress, clusterDomain } = this.options;
    await mkdir(`/etc/netns/${host.netns}`, { recursive: true });
    await writeFile(
      `/etc/netns/${host.netns}/resolv.conf`,
      `nameserver ${dnsAddress}\nsearch svc.${clusterDomain} ${clusterDomain}\noptions ndots:5\n`,
    );
  }

  private async setKernelOptions(host: LocalHost): Promise<void> {
    const settings = {
      'net/ipv4/ip_forward': '1',
      'net/ipv4/conf/all/rp_filter': '0',
      'net/ipv4/conf/default/rp_filter': '0',
      'net/ipv4/conf/all/send_redirects': '0',
      // Pod packets that are bridged need not pass the rules a second time.
      'net/bridge/bridge-nf-call-iptables': '0',
    };
    const script = Object.entries(settings)
      .map(([key, value]) => `[ ! -e /proc/sys/${key} ] || echo ${value} > /proc/sys/${key}`)
      .join('\n');
    await inNetworkNamespace(host.netnsPath, this.run)(['sh', '-e'], { input: `${script}\n` });
  }

  /** For the developer's shell: `curl` of a pod or Service address works on the machine itself, through the first host. */
  private async routeFromMachine(host: LocalHost): Promise<void> {
    for (const cidr of [this.options.clusterCidr, this.options.serviceCidr]) {
      await this.tolerate(/File exists/, ['ip', 'route', 'add', cidr, 'via', host.address, 'dev', this.options.bridge]);
    }
  }

  private async allowOutside(): Promise<void> {
    const { bridge, bridgeAddress, cluster } = this.options;
    const table = outsideTable(cluster);
    const chain = 'type nat hook postrouting priority srcnat; policy accept;';
    await this.run(['nft', '-f', '-'], {
      input: [
        `add table ip ${table}`,
        `delete table ip ${table}`,
        `add table ip ${table}`,
        `add chain ip ${table} outside { ${chain} }`,
        `add rule ip ${table} outside ip saddr ${bridgeAddress} oifname != "${bridge}" masquerade`,
        '',
      ].join('\n'),
    });
    await this.run(['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  }

  private async tolerate(expected: RegExp, argv: readonly [string, ...string[]]): Promise<void> {
    try {
      await this.run(argv);
    } catch (error) {
      if (!(error instanceof CommandError && expected.test(error.stderr))) throw error;
    }
  }
}
