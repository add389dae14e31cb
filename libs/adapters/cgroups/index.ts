export * from './cgroup-tree.js';
export * from './hierarchy.js';
export * from './limits.js';
export * from './usage-reader.js';
