export * from './local-volumes.js';
export * from './matching.js';
export * from './pod-claims.js';
