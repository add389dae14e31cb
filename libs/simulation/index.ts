export * from './cluster.js';
export * from './faults.js';
export * from './invariants.js';
export * from './node.js';
export * from './transcript.js';
