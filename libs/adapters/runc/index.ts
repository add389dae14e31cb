export { openRuncRuntime, RuncRuntime } from './runc-runtime.js';
export type { RuncRuntimeOptions } from './runc-runtime.js';
