export * from './watch-cache.js';
export { spliceRevision } from './cached-object.js';
