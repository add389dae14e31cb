export * from './ports.js';
export * from './time.js';
export * from './assert-never.js';
