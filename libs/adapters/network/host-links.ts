/** The host's own links: the bridge of its pods and the tunnel to the other hosts. Idempotent, also over a restart. */
import type { RunCommand } from '../commands/index.js';
import { cidrAddress, macOf, parseCidr } from '../../networking/index.js';
import type { NetworkNames } from './names.js';
import { setSysctl } from './sysctl.js';
import { decodeLines } from './tunnel.js';

/** Bytes that VXLAN over IPv4 puts around a packet. */
const TUNNEL_OVERHEAD_BYTES = 50;

export interface LinkOptions {
  readonly hostAddress: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly dnsAddress: string;
  readonly tunnelId: number;
  readonly tunnelPort: number;
  /** CNI plugins own the pods' addresses: then there is neither a gateway of ours nor a tunnel. */
  readonly isCni: boolean;
}

interface AddressLine {
  readonly ifname: string;
  readonly mtu: number;
  readonly addr_info: readonly { readonly local?: string }[];
  readonly linkinfo?: { readonly info_data?: { readonly id?: number; readonly local?: string; readonly port?: number } };
}

/** No interface of this network namespace carries the address that the other hosts are told. */
export class HostAddressMissingError extends Error {
  override readonly name = 'HostAddressMissingError';
  constructor(address: string) {
    super(`no interface has the host address ${address}: give the node an address that this host owns`);
  }
}

/** Returns the size of packets that pods may send. */
export async function ensureLinks(run: RunCommand, names: NetworkNames, options: LinkOptions): Promise<{ readonly mtu: number }> {
  const present = decodeLines<AddressLine>(await run(['ip', '-d', '-j', '-4', 'addr', 'show']));
  const uplink = present.find((link) => hasAddress(link, options.hostAddress));
  if (uplink === undefined) throw new HostAddressMissingError(options.hostAddress);
  const mtu = uplink.mtu - TUNNEL_OVERHEAD_BYTES;
  const commands = [
    ...bridgeCommands(names, options, { present, mtu }),
    ...(options.isCni ? [] : tunnelCommands(names, options, { present, mtu })),
  ];
  await run(['ip', '-batch', '-'], { input: `${commands.join('\n')}\n` });
  await allowForwarding(options.isCni ? [names.bridge] : [names.bridge, names.tunnel]);
  // The usual CNI bridge puts pods in one subnet: their answers are bridged, and must meet the translation all the same.
  if (options.isCni) await setSysctl('net/bridge/bridge-nf-call-iptables', '1', 'where-present');
  return { mtu };
}

interface Found {
  readonly present: readonly AddressLine[];
  readonly mtu: number;
}

function bridgeCommands(names: NetworkNames, options: LinkOptions, { present, mtu }: Found): readonly string[] {
  const { bridge } = names;
  const block = parseCidr(options.podCidr);
  const gateway = cidrAddress(block, 1);
  const old = present.find((link) => link.ifname === bridge);
  const wanted = [...(options.isCni ? [] : [gateway]), options.dnsAddress];
  const unwanted = (old?.addr_info ?? []).flatMap(({ local }) => (local === undefined || wanted.includes(local) ? [] : [local]));
  return [
    ...(old === undefined ? [`link add ${bridge} address ${macOf(gateway, 'bridge')} type bridge mcast_snooping 0`] : []),
    `link set ${bridge} up mtu ${mtu} alias "${names.aliasPrefix}bridge"`,
    ...unwanted.map((address) => `addr flush dev ${bridge} to ${address}`),
    ...(options.isCni ? [] : [`addr replace ${gateway}/${block.prefix} dev ${bridge}`]),
    `addr replace ${options.dnsAddress}/32 dev ${bridge}`,
    // Host processes then use the gateway's address for Services, which every other host can answer through the tunnel.
    `route replace ${options.serviceCidr} dev ${bridge} src ${options.isCni ? options.hostAddress : gateway}`,
  ];
}

function tunnelCommands(names: NetworkNames, options: LinkOptions, { present, mtu }: Found): readonly string[] {
  const { tunnel } = names;
  const { hostAddress, tunnelId, tunnelPort, podCidr } = options;
  const old = present.find((link) => link.ifname === tunnel);
  const data = old?.linkinfo?.info_data;
  const fits = data?.id === tunnelId && data.port === tunnelPort && data.local === hostAddress;
  const made = `type vxlan id ${tunnelId} dstport ${tunnelPort} local ${hostAddress} nolearning`;
  return [
    ...(old !== undefined && !fits ? [`link del ${tunnel}`] : []),
    ...(fits ? [] : [`link add ${tunnel} address ${macOf(hostAddress, 'tunnel')} ${made}`]),
    `addr replace ${cidrAddress(parseCidr(podCidr), 0)}/32 dev ${tunnel}`,
    `link set ${tunnel} up mtu ${mtu} alias "${names.aliasPrefix}tunnel"`,
  ];
}

/** Settings of our own links, and the two of the host without which no pod reaches anything. */
async function allowForwarding(links: readonly string[]): Promise<void> {
  await setSysctl('net/ipv4/ip_forward', '1');
  await setSysctl('net/ipv4/conf/all/send_redirects', '0');
  for (const link of links) {
    await setSysctl(`net/ipv4/conf/${link}/send_redirects`, '0');
    await setSysctl(`net/ipv4/conf/${link}/rp_filter`, '0');
  }
}

/** Deletes both links and every pod link; harmless when they are gone. */
export async function removeLinks(run: RunCommand, names: NetworkNames): Promise<void> {
  const links = decodeLines<{ ifname: string; ifalias?: string }>(await run(['ip', '-j', 'link', 'show']));
  const own = links.filter(
    ({ ifname, ifalias }) => ifname === names.bridge || ifname === names.tunnel || ifalias?.startsWith(names.aliasPrefix) === true,
  );
  if (own.length > 0) await run(['ip', '-force', '-batch', '-'], { input: own.map(({ ifname }) => `link del ${ifname}\n`).join('') });
}

function hasAddress(link: AddressLine, address: string): boolean {
  return link.addr_info.some(({ local }) => local === address);
}
