export * from './memory-server.js';
export * from './memory-store.js';
