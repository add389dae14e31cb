/** Gives every node that has none a pod network: one /24 of the cluster's pod network, the lowest free one, in name order. */
import { resources } from '../../reconciling/index.js';
import type { Controller, ObjectAction } from '../../reconciling/index.js';

/** One key for all nodes: two nodes decided at the same time could get the same network. */
const KEY = 'cluster';

/** `clusterCidr` like `10.244.0.0/16`; nodes get networks of `nodeMaskSize` bits. */
export function nodeCidrController(clusterCidr: string, nodeMaskSize = 24): Controller {
  const networks = [...subnets(clusterCidr, nodeMaskSize)];
  return {
    name: 'node-ipam-controller',
    workers: 1,
    watches: [{ resource: resources.nodes, keys: () => [KEY] }],
    reconcile(view) {
      const nodes = view.list(resources.nodes);
      const taken = new Set(nodes.map((node) => node.spec?.podCIDR).filter((cidr) => cidr !== undefined));
      const free = networks.filter((network) => !taken.has(network));
      const actions = nodes
        .filter((node) => (node.spec?.podCIDR ?? '') === '' && node.metadata.deletionTimestamp === undefined)
        .flatMap((node, index): readonly ObjectAction[] => {
          const podCIDR = free[index];
          if (podCIDR === undefined) {
            const message = `Node ${node.metadata.name} status is now: CIDRNotAvailable`;
            return [{ do: 'event', regarding: node, type: 'Normal', reason: 'CIDRNotAvailable', message }];
          }
          const object = { ...node, spec: { ...node.spec, podCIDR, podCIDRs: [podCIDR] } };
          return [{ do: 'update', resource: resources.nodes, object }];
        });
      return { actions };
    },
  };
}

/** The subnets of `mask` bits in `cidr`, lowest first. */
export function* subnets(cidr: string, mask: number): Iterable<string> {
  const [address = '', bits = ''] = cidr.split('/');
  const parts = address.split('.').map(Number);
  const base = parts.reduce((number, part) => number * 256 + part, 0);
  const count = 2 ** (mask - Number(bits));
  const size = 2 ** (32 - mask);
  for (let index = 0; index < count; index += 1) {
    const first = base + index * size;
    yield `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${mask}`;
  }
}
