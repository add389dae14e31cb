export * from './ports.js';
export * from './time.js';
export * from './assert-never.js';
export * from './base64.js';
export * from './cancel.js';
