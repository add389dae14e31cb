/**
 * The part of libs/api that every process can afford: types, errors, keys and quantities. Host agents import this instead of
 * `index.js`, which also brings validation and with it some 20 MB of memory in each agent.
 */
export type * from './generated/types.js';
export * from './errors.js';
export * from './kinds.js';
export * from './object.js';
export type { GroupResource } from './object.js';
export * from './quantity/index.js';
export * from './volumes/local-volumes.js';
export * from './volumes/pod-claims.js';
