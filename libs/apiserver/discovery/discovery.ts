/** What the API offers: `/api`, `/apis`, resource lists, and the aggregated form that kubectl asks for first. */
import { allKinds, apiVersionOf, type KindInfo } from '../../api/index.js';
import type { ApiRequest, ApiResponse } from '../ports.js';
import { unknownPath } from '../status.js';

type Document = Readonly<Record<string, unknown>>;

const AGGREGATED = 'apidiscovery.k8s.io';

/** The response's type differs between forms, and clients decide by it which they got. */
export interface DiscoveryAnswer {
  readonly contentType: string;
  readonly document: Document;
}

/** The document with an ETag, or 304 where the client has it already. */
export function discoveryResponse({ headers }: Pick<ApiRequest, 'headers'>, { document, contentType }: DiscoveryAnswer): ApiResponse {
  const body = `${JSON.stringify(document)}\n`;
  const etag = `"${fingerprint(body)}"`;
  const caching = { ETag: etag, Vary: 'Accept', 'Cache-Control': 'public' };
  if (headers['if-none-match'] === etag) return { kind: 'body', status: 304, headers: caching, body: '' };
  return { kind: 'body', status: 200, headers: { 'Content-Type': contentType, ...caching }, body };
}

/** FNV-1a over two seeds: tells versions of one document apart, nothing more. */
function fingerprint(text: string): string {
  const half = (seed: number): string => {
    let sum = seed;
    for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193) >>> 0;
    return sum.toString(16).padStart(8, '0').toUpperCase();
  };
  return half(0x811c9dc5) + half(0x1b873593);
}

/** `undefined` where the path is not a discovery path. Throws NotFound for groups that are not served. */
export function discover(path: string, accept: string, address: string): DiscoveryAnswer | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const [root, second, third] = parts;
  if (root === 'api') {
    if (parts.length === 1) return aggregated(accept, true) ?? plain({ kind: 'APIVersions', versions: ['v1'], ...addresses(address) });
    return parts.length === 2 ? plain(resourceList('', second ?? '')) : undefined;
  }
  if (root !== 'apis') return undefined;
  if (parts.length === 1)
    return aggregated(accept, false) ?? plain({ kind: 'APIGroupList', apiVersion: 'v1', groups: groups().map(groupDocument) });
  if (parts.length === 2) return plain({ kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(second ?? '') });
  return parts.length === 3 ? plain(resourceList(second ?? '', third ?? '')) : undefined;
}

function plain(document: Document): DiscoveryAnswer {
  return { contentType: 'application/json', document };
}

function addresses(address: string): Document {
  return { serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }] };
}

function groups(): readonly string[] {
  return [...new Set(allKinds().map((kind) => kind.group))].filter((group) => group !== '');
}

/** Versions of a group, preferred one first. */
function versionsOf(group: string): readonly string[] {
  return [
    ...new Set(
      allKinds()
        .filter((kind) => kind.group === group)
        .map((kind) => kind.version),
    ),
  ];
}

function groupDocument(group: string): Document {
  const versions = versionsOf(group).map((version) => ({ groupVersion: apiVersionOf({ group, version }), version }));
  if (versions.length === 0) throw unknownPath();
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(group: string, version: string): Document {
  const kinds = allKinds().filter((kind) => kind.group === group && kind.version === version);
  if (kinds.length === 0) throw unknownPath();
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: kinds.flatMap((kind) => [resourceDocument(kind), ...kind.subresources.map((name) => subresourceDocument(kind, name))]),
  };
}

function resourceDocument(kind: KindInfo): Document {
  return {
    name: kind.resource,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
  };
}

interface SubresourceFacts {
  readonly verbs: readonly string[];
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
}

/** Subresources whose objects are of another kind than their parent, or that know other verbs than `status` does. */
const subresourceFacts: Readonly<Record<string, SubresourceFacts>> = {
  scale: { verbs: ['get', 'patch', 'update'], group: 'autoscaling', version: 'v1', kind: 'Scale' },
  binding: { verbs: ['create'], group: '', version: 'v1', kind: 'Binding' },
  eviction: { verbs: ['create'], group: 'policy', version: 'v1', kind: 'Eviction' },
  log: { verbs: ['get'] },
  exec: { verbs: ['create', 'get'], kind: 'PodExecOptions' },
  attach: { verbs: ['create', 'get'], kind: 'PodAttachOptions' },
  portforward: { verbs: ['create', 'get'], kind: 'PodPortForwardOptions' },
  proxy: { verbs: ['create', 'delete', 'get', 'patch', 'update'] },
  token: { verbs: ['create'], group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
  finalize: { verbs: ['update'] },
};
const PART_OF_OBJECT: SubresourceFacts = { verbs: ['get', 'patch', 'update'] };

function subresourceDocument(kind: KindInfo, name: string): Document {
  const { verbs, group, version, kind: kindName } = subresourceFacts[name] ?? PART_OF_OBJECT;
  return {
    name: `${kind.resource}/${name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...(version === undefined ? {} : { group, version }),
    kind: kindName ?? kind.kind,
    verbs,
  };
}

/** apidiscovery.k8s.io: everything in two answers instead of one a group. */
function aggregated(accept: string, core: boolean): DiscoveryAnswer | undefined {
  const version = ['v2', 'v2beta1'].find((candidate) => accept.includes(`g=${AGGREGATED};v=${candidate};as=APIGroupDiscoveryList`));
  if (version === undefined) return undefined;
  const wanted = core ? [''] : groups();
  return {
    contentType: `application/json;g=${AGGREGATED};v=${version};as=APIGroupDiscoveryList`,
    document: { kind: 'APIGroupDiscoveryList', apiVersion: `${AGGREGATED}/${version}`, metadata: {}, items: wanted.map(aggregatedGroup) },
  };
}

function aggregatedGroup(group: string): Document {
  const versions = versionsOf(group).map((version) => ({
    version,
    freshness: 'Current',
    resources: allKinds()
      .filter((kind) => kind.group === group && kind.version === version)
      .map(aggregatedResource),
  }));
  return { metadata: group === '' ? {} : { name: group }, versions };
}

function aggregatedResource(kind: KindInfo): Document {
  return {
    resource: kind.resource,
    responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
    ...(kind.subresources.length === 0 ? {} : { subresources: kind.subresources.map((name) => aggregatedSubresource(kind, name)) }),
  };
}

function aggregatedSubresource(kind: KindInfo, name: string): Document {
  const { verbs, group, version, kind: kindName } = subresourceFacts[name] ?? PART_OF_OBJECT;
  return {
    subresource: name,
    responseKind: { group: group ?? kind.group, version: version ?? kind.version, kind: kindName ?? kind.kind },
    verbs,
  };
}
