export * from './settings.js';
export * from './samples.js';
export * from './replicas.js';
export * from './behavior.js';
export * from './decide.js';
export * from './controller.js';
