export * from './cache.js';
export * from './election.js';
export * from './revision.js';
export * from './store.js';
export * from './memory/index.js';
export * from './watch-cache/index.js';
