export * from './host-network.js';
export * from './names.js';
export { readResolvers } from './dns/resolv-conf.js';
export { Resolver } from './dns/resolver.js';
export { DnsServer } from './dns/server.js';
export { Upstream } from './dns/upstream.js';
export type { UpstreamServer } from './dns/upstream.js';
export { CniError } from './cni.js';
export type { CniOptions } from './cni.js';
