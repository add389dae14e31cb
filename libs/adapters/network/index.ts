export * from './host-network.js';
export * from './names.js';
