/** The table of built-in kinds: what discovery, the registry, the store keys and the CLI are driven by. */
import type { GroupResource, GroupVersionResource } from './object.js';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';
export type Subresource =
  | 'status'
  | 'scale'
  | 'binding'
  | 'eviction'
  | 'log'
  | 'exec'
  | 'attach'
  | 'portforward'
  | 'proxy'
  | 'token'
  | 'ephemeralcontainers'
  | 'resize'
  | 'finalize'
  | 'approval';

/** One served (group, version, resource). Kinds served in several versions have one row each and one stored form. */
export interface KindInfo extends GroupVersionResource {
  readonly kind: string;
  /** `pod`; also accepted by kubectl. */
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  /** `all` and such, as `kubectl get all` expands. */
  readonly categories: readonly string[];
  /** Empty for review kinds that are only created and never stored (`TokenReview`, `SubjectAccessReview`, ...). */
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** Name of the generated type, e.g. `Pod` or `V2HorizontalPodAutoscaler`; absent where client-node has none. */
  readonly schema?: string | undefined;
  /** Version that the store keeps; other versions are converted on the way in and out. */
  readonly storageVersion: string;
  /** False for kinds that are answered but not kept (reviews, metrics). */
  readonly stored: boolean;
}

/** `apps/v1`, core: `v1`. */
export function apiVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

/** Store key prefix of a resource, with its final slash: `/registry/pods/`, `/registry/apps/deployments/`. */
export function storePrefix(resource: GroupResource): string {
  return resource.group === '' ? `/registry/${resource.resource}/` : `/registry/${resource.group}/${resource.resource}/`;
}

/** Store key of one object: `/registry/pods/default/web-0`, `/registry/nodes/node-1`. */
export function storeKey(resource: GroupResource, namespace: string | undefined, name: string): string {
  return storePrefix(resource) + (namespace === undefined ? name : `${namespace}/${name}`);
}
