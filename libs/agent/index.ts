export * from './ports.js';
export * from './link/agent-link.js';
export type * from './link/transport.js';
export * from './assigned-state.js';
