/**
 * Pod links: one veth pair for each pod, created straight into the pod's pinned namespace. The pod has a /32 address and
 * routes everything through the gateway, so that Services work between pods of one host without bridge filtering.
 * The kernel is the only record: uid and address are the link's alias, host ports are elements of the host's table.
 */
import type { RunCommand } from '../commands/index.js';
import { CommandError, inNetworkNamespace } from '../commands/index.js';
import { PODS_PER_HOST_MAX, cidrAddress, cidrContains, macOf, parseCidr, parseIpv4, renderHostPorts } from '../../networking/index.js';
import type { CidrBlock, HostPort, PodAttachment, PodNetwork } from '../../networking/index.js';
import { IpBatch } from './ip-batch.js';
import type { NetworkNames } from './names.js';
import { nft } from './service-rules.js';
import { decodeLines } from './tunnel.js';

interface PodLink {
  readonly uid: string;
  readonly ip: string;
  readonly link: string;
  readonly hasHostPorts: boolean;
}

interface LinkLine {
  readonly ifname: string;
  readonly ifalias?: string;
}

/** Third word of the alias of a link whose pod has host ports. */
const HOST_PORTS = 'host-ports';

export interface PodNetworkOptions {
  readonly run: RunCommand;
  readonly names: NetworkNames;
  readonly podCidr: string;
  readonly mtu: number;
}

/** No address of the pod CIDR is free. */
export class PodAddressesExhaustedError extends Error {
  override readonly name = 'PodAddressesExhaustedError';
  constructor(podCidr: string) {
    super(`no free address in ${podCidr}: remove pods from this node or give it a larger pod CIDR`);
  }
}

export class VethPodNetwork implements PodNetwork {
  private readonly block: CidrBlock;
  private readonly batch: IpBatch;
  private readonly links = new Map<string, PodLink>();
  private readonly taken = new Set<number>();
  private readonly pending = new Map<string, Promise<unknown>>();
  private last = 1;

  constructor(private readonly options: PodNetworkOptions) {
    this.block = parseCidr(options.podCidr);
    this.batch = new IpBatch(options.run);
  }

  /** Learns the links that an earlier agent made, and removes those that it had not finished (their pod is attached again). */
  async load(): Promise<void> {
    const { run, names } = this.options;
    const lines = decodeLines<LinkLine>(await run(['ip', '-j', 'link', 'show', 'type', 'veth']));
    for (const { ifname, ifalias } of lines) {
      if (ifalias === undefined && ifname.startsWith(names.podLink(0).slice(0, -1))) await run(['ip', 'link', 'del', 'dev', ifname]);
      if (ifalias?.startsWith(names.aliasPrefix) !== true) continue;
      const [uid = '', ip = '', mark] = ifalias.slice(names.aliasPrefix.length).split(' ');
      if (cidrContains(this.block, ip)) this.remember({ uid, ip, link: ifname, hasHostPorts: mark === HOST_PORTS });
    }
  }

  attach(pod: PodAttachment): Promise<{ readonly ip: string; readonly ips: readonly string[] }> {
    return this.inTurn(pod.podUid, async () => {
      const known = this.links.get(pod.podUid);
      if (known !== undefined && (await this.isInside(known, pod.netnsPath))) return { ip: known.ip, ips: [known.ip] };
      if (known !== undefined) await this.release(known);
      const link = this.allocate(pod);
      try {
        await this.connect(link, pod.netnsPath);
        if (link.hasHostPorts) await this.openHostPorts(hostPorts(pod, link.ip));
      } catch (error) {
        await this.release(link);
        throw error;
      }
      return { ip: link.ip, ips: [link.ip] };
    });
  }

  detach(podUid: string): Promise<void> {
    return this.inTurn(podUid, async () => {
      const link = this.links.get(podUid);
      if (link !== undefined) await this.release(link);
    });
  }

  attached(): Promise<readonly string[]> {
    return Promise.resolve([...this.links.keys()]);
  }

  /** Calls for one pod run one after the other; different pods do not wait for each other. */
  private inTurn<T>(uid: string, task: () => Promise<T>): Promise<T> {
    const result = (this.pending.get(uid) ?? Promise.resolve()).then(task, task);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.pending.set(uid, settled);
    void settled.then(() => {
      if (this.pending.get(uid) === settled) this.pending.delete(uid);
    });
    return result;
  }

  /** The next address after the last one given, so that a freed address rests as long as possible. */
  private allocate(pod: PodAttachment): PodLink {
    const count = Math.min(this.block.size - 3, PODS_PER_HOST_MAX);
    for (let step = 1; step <= count; step += 1) {
      const index = 2 + ((this.last - 2 + step + count) % count);
      if (this.taken.has(index)) continue;
      this.last = index;
      const ip = cidrAddress(this.block, index);
      const hasHostPorts = hostPorts(pod, ip).length > 0;
      const link = { uid: pod.podUid, ip, link: this.options.names.podLink(index), hasHostPorts };
      this.remember(link);
      return link;
    }
    throw new PodAddressesExhaustedError(this.options.podCidr);
  }

  private remember(link: PodLink): void {
    this.links.set(link.uid, link);
    this.taken.add(this.index(link.ip));
    this.last = Math.max(this.last, this.index(link.ip));
  }

  private index(ip: string): number {
    return (parseIpv4(ip) ?? this.block.base) - this.block.base;
  }

  private async connect(link: PodLink, netnsPath: string): Promise<void> {
    const { run, names, mtu } = this.options;
    const gateway = cidrAddress(this.block, 1);
    const peer = `peer name eth0 netns ${netnsPath} mtu ${mtu} address ${macOf(link.ip, 'pod')}`;
    await this.batch.submit([
      `link add ${link.link} mtu ${mtu} master ${names.bridge} type veth ${peer}`,
      `link set ${link.link} up alias "${names.aliasPrefix}${link.uid} ${link.ip}${link.hasHostPorts ? ` ${HOST_PORTS}` : ''}"`,
    ]);
    await inNetworkNamespace(netnsPath, run)(['ip', '-batch', '-'], {
      input:
        `link set lo up\naddr add ${link.ip}/32 dev eth0\nlink set eth0 up\n` +
        `route add ${gateway} dev eth0 scope link src ${link.ip}\nroute add default via ${gateway} dev eth0 src ${link.ip}\n`,
    });
  }

  private async isInside(link: PodLink, netnsPath: string): Promise<boolean> {
    try {
      await this.options.run(['ip', 'link', 'show', 'dev', link.link]);
      const inside = inNetworkNamespace(netnsPath, this.options.run);
      return (await inside(['ip', '-4', 'addr', 'show', 'dev', 'eth0'])).includes(`inet ${link.ip}/`);
    } catch (error) {
      if (error instanceof CommandError) return false;
      throw error;
    }
  }

  private async release(link: PodLink): Promise<void> {
    if (link.hasHostPorts) await this.closeHostPorts((port) => port.target === link.ip);
    try {
      // Not in the batch: the kernel waits some 20 ms in each removal, and removals in processes of their own wait together.
      await this.options.run(['ip', 'link', 'del', 'dev', link.link]);
    } catch (error) {
      // The pair is gone already when the pod's namespace was destroyed first.
      if (!(error instanceof CommandError && /Cannot find device/.test(error.stderr))) throw error;
    }
    this.links.delete(link.uid);
    this.taken.delete(this.index(link.ip));
  }

  /** Entries that a lost pod left under the same port give way. */
  private async openHostPorts(ports: readonly HostPort[]): Promise<void> {
    const alive = new Set([...this.links.values()].map((link) => link.ip));
    await this.closeHostPorts((port) => !alive.has(port.target));
    await nft(this.options.run, renderHostPorts(this.options.names.hostTable, 'add', ports));
  }

  private async closeHostPorts(isGone: (port: { readonly target: string }) => boolean): Promise<void> {
    const { run, names } = this.options;
    const maps = ['host-ports', 'host-address-ports'];
    const listings = await Promise.all(maps.map((map) => run(['nft', '-n', 'list', 'map', 'ip', names.hostTable, map])));
    const commands = maps.flatMap((map, index) =>
      [...(listings[index] ?? '').matchAll(/([\w.]+(?: \. \w+)+) : ([\d.]+) \. \d+/g)]
        .filter(([, , target = '']) => isGone({ target }))
        .map(([, key]) => `delete element ip ${names.hostTable} ${map} { ${key} }`),
    );
    await nft(run, commands);
  }
}

function hostPorts(pod: PodAttachment, address: string): readonly HostPort[] {
  return pod.ports
    .filter((port) => port.hostPort > 0)
    .map(({ hostIp, hostPort, containerPort, protocol }) => ({ hostIp, hostPort, containerPort, protocol, address }));
}
