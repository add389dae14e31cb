/** The shapes that every kind shares, on top of the generated types. */
import type { ObjectMeta } from './generated/types.js';

/** Metadata of an object that the API server has stored: the fields that it always fills are present. */
export interface StoredMeta extends ObjectMeta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
}

/** Any object, before or after storage, of a kind that the code at hand need not know. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** An object as read from the store; `Stored<Pod>` is a pod with complete metadata. */
export type Stored<T extends { readonly metadata?: ObjectMeta | undefined }> = Omit<T, 'metadata' | 'apiVersion' | 'kind'> & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: StoredMeta;
};

/** Names a kind: `{ group: 'apps', version: 'v1', resource: 'deployments' }`; the core group is `''`. */
export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Names a resource without its version; the key of the store and of the watch cache. `apps/deployments`, core: `/pods`. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** One object. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectRef extends GroupResource {
  readonly namespace?: string | undefined;
  readonly name: string;
}
