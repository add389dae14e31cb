/** What the API answers about nodes in a process without the gateway role. */
import { StatusError } from '../../libs/api/index.js';
import type { NodeStreams, UsageSource } from '../../libs/apiserver/index.js';

function refuse(): never {
  throw new StatusError('ServiceUnavailable', 'this control plane process has no gateway to the nodes: run it with the role "gateway"');
}

export const noNodes: NodeStreams = { logs: refuse, exec: refuse, attach: refuse, connect: refuse };

export const noUsage: UsageSource = { nodes: () => [], pods: () => [] };
