export * from './cri-line.js';
export * from './log-files.js';
export * from './read-logs.js';
export * from './rotate-logs.js';
