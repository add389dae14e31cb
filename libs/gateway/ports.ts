/** What the gateway needs from outside, in its own words. */
import type { KubeObject } from '../api/index.js';
import type { GatewayMessage } from './messages.js';

/** The way to one connected agent. */
export interface AgentLine {
  /** Queues the message; never blocks and never throws (a broken line ends the session on its own). */
  send(message: GatewayMessage): void;
  /** Ends the stream with a reason that the agent logs. */
  close(reason: string): void;
}

/** Objects as the watch cache shows them: synchronous, never mutated. Implemented over WatchCache by `cacheView`. */
export interface GatewayView {
  get(prefix: string, key: string): ViewedObject | undefined;
  list(prefix: string): readonly ViewedObject[];
}
export interface ViewedObject {
  /** `namespace/name` or `name`. */
  readonly key: string;
  readonly json: string;
  readonly object: KubeObject;
}

/** Images that the control plane holds. `undefined` sends the agent to the registry. */
export interface ImageSource {
  resolve(reference: string): Promise<{ readonly digest: string; readonly mediaType: string; readonly manifest: Uint8Array } | undefined>;
  /** The blob's bytes; `undefined` where it is not held. */
  fetch(digest: string): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** Signs node certificates: CN `system:node:<name>`, O `system:nodes`, client authentication. Implemented by libs/adapters/x509. */
export interface NodeCertificateSigner {
  readonly caPem: string;
  sign(csrPem: string, nodeName: string): Promise<{ readonly certificatePem: string }>;
}

/** Addresses of the cluster that a new agent is told. */
export interface ClusterAddresses {
  readonly clusterDomain: string;
  readonly dnsAddress: string;
  readonly serviceCidr: string;
  readonly clusterCidr: string;
  /** Prefix length of each node's part of `clusterCidr`; 24. */
  readonly nodeMaskSize: number;
}
