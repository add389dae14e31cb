/** URL paths of resources and objects. */
import type { Resource } from './discovery.js';

export interface PathOptions {
  /** Ignored for cluster-scoped resources; undefined = all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
  readonly query?: Query | undefined;
}

/** Undefined and empty values are left out. */
export type Query = Readonly<Record<string, string | undefined>>;

export function pathOf(resource: Resource, { namespace, name, subresource, query }: PathOptions = {}): string {
  const parts = [
    resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`,
    ...(resource.namespaced && namespace !== undefined ? ['namespaces', encodeURIComponent(namespace)] : []),
    resource.name,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return parts.join('/') + queryText(query);
}

/** `?a=1&b=2`, or nothing. */
export function queryText(query: Query = {}): string {
  const present = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === '' ? [] : [[name, value]],
  );
  return present.length === 0 ? '' : `?${new URLSearchParams(present).toString()}`;
}
