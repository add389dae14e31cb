/**
 * The VXLAN device to the other hosts. Nothing is learnt from packets: for each peer there is one route, one neighbour
 * and one forwarding entry, and each is derived from the peer's address alone.
 */
import type { RunCommand } from '../commands/index.js';
import { cidrAddress, macOf, parseCidr } from '../../networking/index.js';
import type { PeerHost } from '../../networking/index.js';

interface RouteLine {
  readonly dst: string;
  readonly gateway?: string;
}
interface NeighbourLine {
  readonly dst: string;
}
interface ForwardingLine {
  readonly mac: string;
  readonly dst?: string;
}

export interface TunnelPlan {
  /** Lines for `ip -batch`. */
  readonly ip: readonly string[];
  /** Lines for `bridge -batch`. */
  readonly bridge: readonly string[];
}

/** Commands from what the kernel holds to what the peers need. Pure, so that a restart and a change take the same way. */
export function planPeers(
  device: { readonly name: string; readonly gateway: string },
  peers: readonly PeerHost[],
  present: {
    readonly routes: readonly RouteLine[];
    readonly neighbours: readonly NeighbourLine[];
    readonly forwarding: readonly ForwardingLine[];
  },
): TunnelPlan {
  const wanted = peers.map((peer) => {
    const block = parseCidr(peer.podCidr);
    return {
      cidr: `${cidrAddress(block, 0)}/${block.prefix}`,
      via: cidrAddress(block, 0),
      mac: macOf(peer.address, 'tunnel'),
      host: peer.address,
    };
  });
  const cidrs = new Set(wanted.map((peer) => peer.cidr));
  const vias = new Set(wanted.map((peer) => peer.via));
  const entries = new Set(wanted.map((peer) => `${peer.mac} ${peer.host}`));
  const { name, gateway } = device;
  return {
    ip: [
      ...present.routes
        .filter((route) => route.gateway !== undefined && !cidrs.has(route.dst))
        .map((route) => `route del ${route.dst} dev ${name}`),
      ...present.neighbours.filter((line) => !vias.has(line.dst)).map((line) => `neigh del ${line.dst} dev ${name}`),
      ...wanted.map((peer) => `neigh replace ${peer.via} lladdr ${peer.mac} dev ${name} nud permanent`),
      ...wanted.map((peer) => `route replace ${peer.cidr} via ${peer.via} dev ${name} onlink src ${gateway}`),
    ],
    bridge: [
      ...present.forwarding
        .filter((line) => line.dst !== undefined && !entries.has(`${line.mac} ${line.dst}`))
        .map((line) => `fdb del ${line.mac} dev ${name} dst ${line.dst}`),
      ...wanted.map((peer) => `fdb replace ${peer.mac} dev ${name} dst ${peer.host} self permanent`),
    ],
  };
}

export async function applyPeers(
  run: RunCommand,
  device: { readonly name: string; readonly gateway: string },
  peers: readonly PeerHost[],
): Promise<void> {
  const [routes, neighbours, forwarding] = await Promise.all([
    run(['ip', '-j', '-4', 'route', 'show', 'dev', device.name]).then(decodeLines<RouteLine>),
    run(['ip', '-j', '-4', 'neigh', 'show', 'dev', device.name, 'nud', 'permanent']).then(decodeLines<NeighbourLine>),
    run(['bridge', '-j', 'fdb', 'show', 'dev', device.name]).then(decodeLines<ForwardingLine>),
  ]);
  const plan = planPeers(device, peers, { routes, neighbours, forwarding });
  // The way to a peer's host must be known before the route that uses it.
  if (plan.bridge.length > 0) await run(['bridge', '-batch', '-'], { input: `${plan.bridge.join('\n')}\n` });
  if (plan.ip.length > 0) await run(['ip', '-batch', '-'], { input: `${plan.ip.join('\n')}\n` });
}

/** iproute2's JSON; it prints nothing at all when it has nothing to show. */
export function decodeLines<T>(text: string): readonly T[] {
  return text.trim() === '' ? [] : (JSON.parse(text) as readonly T[]);
}
