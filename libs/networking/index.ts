export * from './dns-view.js';
export * from './ports.js';
export * from './service-rules.js';
