export * from './attach.js';
export * from './connect.js';
export * from './exec-process.js';
export * from './exec-sync.js';
export * from './runtime-message.js';
