/** The host's own nftables table: pods reach the outside, reach themselves through a Service, and are reached by host ports. */
import { cidrAddress, parseCidr } from '../ipv4.js';
import { renderTransaction, EMPTY_TABLE } from './table-model.js';
import type { TableModel } from './table-model.js';
import type { TransportProtocol } from '../service-rules.js';

/** Pods that one host can hold; addresses above it are not given out. */
export const PODS_PER_HOST_MAX = 4_094;

export interface HostPort {
  /** Empty or `0.0.0.0`: every address of the host. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly protocol: TransportProtocol;
  readonly address: string;
  readonly containerPort: number;
}

/** Everything but the host ports, which later commands add and remove. Only for a table that does not exist yet. */
export function renderHostTable(table: string, options: { readonly podCidr: string; readonly clusterCidr: string }): readonly string[] {
  return [`add table ip ${table}`, ...renderTransaction(table, EMPTY_TABLE, hostModel(options))];
}

export function renderHostPorts(table: string, verb: 'add' | 'delete', ports: readonly HostPort[]): readonly string[] {
  return ports.map((port) => {
    const everywhere = port.hostIp === '' || port.hostIp === '0.0.0.0';
    const transport = `${port.protocol.toLowerCase()} . ${port.hostPort}`;
    const key = everywhere ? transport : `${port.hostIp} . ${transport}`;
    const value = verb === 'add' ? ` : ${port.address} . ${port.containerPort}` : '';
    return `${verb} element ip ${table} ${everywhere ? 'host-ports' : 'host-address-ports'} { ${key}${value} }`;
  });
}

function hostModel(options: { readonly podCidr: string; readonly clusterCidr: string }): TableModel {
  const block = parseCidr(options.podCidr);
  const count = Math.min(block.size - 1, PODS_PER_HOST_MAX + 2);
  const pods = Array.from({ length: Math.max(0, count - 2) }, (_, index) => cidrAddress(block, index + 2));
  const transport = 'meta l4proto { tcp, udp, sctp } dnat ip to';
  const translate = [
    `${transport} ip daddr . meta l4proto . th dport map @host-address-ports`,
    `ip daddr != 127.0.0.0/8 fib daddr type local ${transport} meta l4proto . th dport map @host-ports`,
  ];
  return {
    sets: new Map([
      ['host-ports', { kind: 'map', declaration: 'type inet_proto . inet_service : ipv4_addr . inet_service;' }],
      ['host-address-ports', { kind: 'map', declaration: 'type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;' }],
      // A pod that reaches itself through a Service would else meet packets from its own address.
      ['self', { kind: 'set', declaration: 'type ipv4_addr . ipv4_addr;' }],
    ]),
    chains: new Map([
      ['host-ports-to', { declaration: '', rules: translate }],
      ['host-ports-arriving', { declaration: 'type nat hook prerouting priority -105; policy accept;', rules: ['goto host-ports-to'] }],
      ['host-ports-leaving', { declaration: 'type nat hook output priority -105; policy accept;', rules: ['goto host-ports-to'] }],
      [
        'masquerade-pods',
        {
          declaration: 'type nat hook postrouting priority 105; policy accept;',
          rules: [
            'ip saddr . ip daddr @self masquerade fully-random',
            `ip saddr ${options.podCidr} ip daddr != ${options.clusterCidr} ip daddr != 224.0.0.0/4 masquerade fully-random`,
          ],
        },
      ],
    ]),
    elements: new Map([['self', new Map(pods.map((address) => [`${address} . ${address}`, '']))]]),
  };
}
