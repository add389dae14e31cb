export type * from './generated/types.js';
export * from './errors.js';
export * from './kinds.js';
export * from './object.js';
export type { GroupResource } from './object.js';
export * from './conversion/index.js';
export * from './openapi/index.js';
export * from './patch/index.js';
export * from './quantity/index.js';
export * from './schema/index.js';
export * from './selectors/index.js';

export * from './defaults/index.js';
export * from './validation/index.js';
export * from './printers/index.js';
export * from './volumes/index.js';
