export { applyPatch, patchContentTypes } from './apply-patch.js';
export type { PatchType } from './apply-patch.js';
export { applyMergePatch } from './merge-patch.js';
export { jsonEqual } from './json-value.js';
export { trackUpdate } from './managed-fields.js';
export type { TrackOptions } from './managed-fields.js';
export { applyServerSide } from './server-side-apply.js';
export type { ApplyOptions, ApplyTarget } from './server-side-apply.js';
