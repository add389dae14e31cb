export * from './leftovers.js';
export * from './local-hosts.js';
export { hostNetns } from './names.js';
