/** What a path and a method ask for, before anything is looked up: Kubernetes' `RequestInfo`. */
import type { ApiRequest } from '../ports.js';
import { methodNotAllowed } from '../status.js';

export type RequestVerb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export interface ResourceInfo {
  readonly kind: 'resource';
  readonly verb: RequestVerb;
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly resource: string;
  readonly subresource: string | undefined;
  /** Path elements after the subresource (`proxy/a/b`). */
  readonly rest: readonly string[];
  readonly name: string | undefined;
}

export interface NonResourceInfo {
  readonly kind: 'path';
  /** Lower-case HTTP method. */
  readonly verb: string;
  readonly path: string;
}

const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(['status', 'finalize']);

/** Reads `/api/v1/...` and `/apis/<group>/<version>/...`; every other path (also discovery) is a non-resource path. Throws MethodNotAllowed. */
export function requestInfo(request: Pick<ApiRequest, 'method' | 'path' | 'query'>): ResourceInfo | NonResourceInfo {
  const parts = request.path.split('/').filter((part) => part !== '');
  const nonResource: NonResourceInfo = { kind: 'path', verb: request.method.toLowerCase(), path: request.path };
  const root = parts[0];
  if (root !== 'api' && root !== 'apis') return nonResource;
  const group = root === 'api' ? '' : parts[1];
  const version = root === 'api' ? parts[1] : parts[2];
  const rest = parts.slice(root === 'api' ? 2 : 3).map(decodePathElement);
  if (group === undefined || version === undefined || rest.length === 0) return nonResource;
  return resourceInfo(request, group, version, rest);
}

function resourceInfo(
  request: Pick<ApiRequest, 'method' | 'query'>,
  group: string,
  version: string,
  parts: readonly string[],
): ResourceInfo {
  const legacyWatch = parts[0] === 'watch';
  const place = placeOf(legacyWatch ? parts.slice(1) : parts);
  const byField = place.name === undefined ? nameInFieldSelector(request.query) : undefined;
  // `?watch` asks a collection; on one object only the old `/watch/` path does.
  const watching = legacyWatch || (place.name === undefined && isTrue(request.query.get('watch')?.[0]));
  return { kind: 'resource', group, version, ...place, name: place.name ?? byField, verb: verbOf(request.method, place.name, watching) };
}

function placeOf(parts: readonly string[]): Pick<ResourceInfo, 'namespace' | 'resource' | 'name' | 'subresource' | 'rest'> {
  const [first, second, third] = parts;
  // `/namespaces/x` and its own subresources are the namespace itself; anything deeper is a resource inside it.
  const inside = first === 'namespaces' && second !== undefined && third !== undefined && !NAMESPACE_SUBRESOURCES.has(third);
  const own = inside ? parts.slice(2) : parts;
  const namespace = inside ? second : first === 'namespaces' ? second : undefined;
  return { namespace, resource: own[0] ?? '', name: own[1], subresource: own[2], rest: own.slice(3) };
}

function verbOf(method: string, name: string | undefined, watching: boolean): RequestVerb {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete';
    case 'GET':
    case 'HEAD':
      if (watching) return 'watch';
      return name === undefined ? 'list' : 'get';
    default:
      throw methodNotAllowed();
  }
}

/** A list or watch of exactly one object is authorized as access to that object. */
function nameInFieldSelector(query: ReadonlyMap<string, readonly string[]>): string | undefined {
  const match = /(?:^|,)metadata\.name==?([^,=]+)(?:,|$)/.exec(query.get('fieldSelector')?.[0] ?? '');
  return match?.[1];
}

function decodePathElement(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** How query parameters spell true: `1`, `true`; an empty value counts as true too, as in `?watch`. */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
}
