export { AgentImageStore, type AgentImageStoreOptions } from './agent-image-store.js';
export { ClusterImageStore, type HeldImage, type RootfsConfig } from './cluster-image-store.js';
export { parseReference, type ImageReference } from './reference.js';
export type { ClusterImages } from './sources.js';
export { ImageBuilder, type BuildProgress, type BuildRequest, type ImageBuilderOptions } from './build.js';
