/** What cluster DNS answers from. */
import type { TransportProtocol } from './service-rules.js';

export interface DnsView {
  readonly domain: string;
  /** `name.namespace` -> cluster addresses, or for headless Services the ready pod addresses with their host names. */
  readonly services: ReadonlyMap<string, DnsService>;
  /** Namespaces that hold a Service: their names exist, without records of their own. */
  readonly namespaces: ReadonlySet<string>;
  /** Address -> full names, for questions in the other direction. */
  readonly reverse: ReadonlyMap<string, readonly string[]>;
}
export interface DnsPort {
  /** Empty for the only, unnamed port. */
  readonly name: string;
  readonly protocol: TransportProtocol;
  readonly port: number;
}
export interface DnsEndpoint {
  readonly address: string;
  readonly hostname?: string | undefined;
  /** Ports of the pod, not of the Service. */
  readonly ports: readonly DnsPort[];
}
export interface DnsService {
  readonly clusterIps: readonly string[];
  readonly externalName?: string | undefined;
  readonly headless: readonly DnsEndpoint[];
  readonly ports: readonly DnsPort[];
}
