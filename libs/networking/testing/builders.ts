/** Services and EndpointSlices in few words, for tests and the simulator. */
import type { EndpointSlice, Service, ServiceSpec } from '../../api/index.js';
import { SERVICE_NAME_LABEL } from '../endpoints.js';

export function aService(name: string, spec: ServiceSpec, namespace = 'default'): Service {
  return { metadata: { name, namespace }, spec };
}

export interface EndpointWords {
  readonly address: string;
  readonly node?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly hostname?: string;
}

export function aSlice(
  service: string,
  content: {
    readonly ports: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
    readonly endpoints: readonly EndpointWords[];
    readonly namespace?: string;
  },
): EndpointSlice {
  return {
    addressType: 'IPv4',
    metadata: { name: `${service}-slice`, namespace: content.namespace ?? 'default', labels: { [SERVICE_NAME_LABEL]: service } },
    ports: content.ports,
    endpoints: content.endpoints.map(({ address, node, hostname, ready = true, serving = ready, terminating = false }) => ({
      addresses: [address],
      nodeName: node,
      hostname,
      conditions: { ready, serving, terminating },
    })),
  };
}
