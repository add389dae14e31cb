export * from './plan.js';
export * from './resources.js';
export * from './view.js';
export * from './fixed-view.js';
export * from './queue.js';
export * from './events.js';
export * from './executor.js';
export * from './runner.js';
