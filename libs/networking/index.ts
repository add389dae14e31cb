export * from './compile-services.js';
export * from './dns-view.js';
export * from './ipv4.js';
export * from './nftables/host-table.js';
export * from './nftables/service-table.js';
export { renderRemoval } from './nftables/table-model.js';
export * from './ports.js';
export * from './service-rules.js';
export * from './stale-flows.js';
