export * from './decide.js';
export * from './drain.js';
export * from './operations.js';
export * from './ports.js';
