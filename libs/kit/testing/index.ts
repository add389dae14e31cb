export * from './fake-clock.js';
export * from './fakes.js';
