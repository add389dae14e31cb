export type * from './ports.js';
export { createApi, createApiContext } from './api.js';
export type { ApiDependencies, ContextDependencies } from './api.js';
export { handle } from './pipeline.js';
export type { Api } from './pipeline.js';
export type { ApiContext, ApiSettings } from './registry/context.js';
export { createEvictor, createObjectClient } from './client/object-client.js';
export { quotaStatus } from './quota/usage.js';
export { ensureBootstrapObjects } from './bootstrap/ensure.js';
