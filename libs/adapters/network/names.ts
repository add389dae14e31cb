/** Names of everything that one node owns in its host's network namespace, derived from cluster and node. */
import { createHash } from 'node:crypto';

export interface NetworkNames {
  /** At most 15 characters each, the kernel's limit for links. */
  readonly bridge: string;
  readonly tunnel: string;
  /** Host side of the pod link number `index` (the pod address' place in the pod CIDR). */
  podLink(index: number): string;
  readonly hostTable: string;
  readonly serviceTable: string;
  /** Start of the alias of every pod link; the pod's uid and address follow. */
  readonly aliasPrefix: string;
}

export function networkNames(cluster: string, node: string): NetworkNames {
  const hash = createHash('sha256').update(`${cluster}/${node}`).digest('hex').slice(0, 6);
  const table = `${cluster}/${node}`.replace(/[^A-Za-z0-9._/-]/g, '_').replace(/^(?=[^A-Za-z])/, 'b');
  return {
    bridge: `btb-${hash}`,
    tunnel: `btx-${hash}`,
    podLink: (index) => `bt${hash}-${index}`,
    hostTable: `${table}/host`,
    serviceTable: `${table}/services`,
    aliasPrefix: `${cluster}/${node}/`,
  };
}
