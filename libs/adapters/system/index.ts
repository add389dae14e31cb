export * from './chance.js';
export * from './clock.js';
export * from './logger.js';
