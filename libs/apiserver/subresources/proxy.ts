/** `pods/proxy` and `services/proxy`: HTTP to what runs in a pod, through the API (Kubernetes docs, "Manually constructing apiserver proxy URLs"). */
import { storePrefix } from '../../api/index.js';
import type { EndpointSlice, Pod, Service, Stored } from '../../api/index.js';
import type { Api } from '../pipeline.js';
import type { ApiRequest, ApiResponse } from '../ports.js';
import { keyOf, read } from '../registry/object-store.js';
import type { ResourceRequest } from '../serve/write-request.js';
import { badRequest, notFound, serviceUnavailable, unknownPath } from '../status.js';
import { requireNode } from './pod-target.js';

/** Of ours, not for the pod. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['authorization', 'host', 'content-length', 'accept-encoding']);

export async function serveProxy(api: Api, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info } = resource;
  const path = pathBehind(request, info.name ?? '');
  if (path === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    // Relative links of the page would otherwise lead elsewhere.
    return { kind: 'body', status: 301, headers: { Location: `${request.path}/${queryOf(request)}` }, body: '' };
  }
  const { name, port } = targetOf(info.name ?? '');
  const target = info.resource === 'pods' ? await podTarget(api, resource, name, port) : await serviceTarget(api, resource, name, port);
  requireNode(target.pod);
  const { podHttp } = api;
  if (podHttp === undefined) throw unknownPath();
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([header]) => !OWN_HEADERS.has(header)));
  const onward = { method: request.method, path: `${path === '' ? '/' : path}${queryOf(request)}`, headers, body: request.body };
  return { kind: 'stream', ...(await podHttp(target.pod, target.port, onward, request.signal)) };
}

interface Target {
  readonly pod: Stored<Pod>;
  readonly port: number;
}

/** `web`, `web:80`, `web:http`, `http:web:80`, `https:web:443`. */
function targetOf(text: string): { readonly name: string; readonly port: string } {
  const parts = text.split(':');
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (parts.length > 3 || name === '') throw badRequest(`invalid resource request "${text}": want name, name:port or scheme:name:port`);
  if (scheme === 'https') throw badRequest('proxying to https ports is not supported: use kubectl port-forward');
  return { name, port };
}

/** As it was sent: what is encoded in it stays so. */
function pathBehind(request: ApiRequest, name: string): string {
  const marks = [`/${name}/proxy`, `/${encodeURIComponent(name)}/proxy`];
  for (const mark of marks) {
    const at = request.path.indexOf(mark);
    if (at >= 0) return request.path.slice(at + mark.length);
  }
  return '';
}

function queryOf({ query }: ApiRequest): string {
  const pairs = [...query].flatMap(([key, values]) => values.map((value) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`));
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

async function podTarget(api: Api, { kind, info }: ResourceRequest, name: string, port: string): Promise<Target> {
  const pod = (await read(api.context, keyOf(kind, info.namespace, name)))?.object as unknown as Stored<Pod> | undefined; // decode: stored under pods
  if (pod === undefined) throw notFound(kind, name);
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const chosen = port === '' ? (ports[0]?.containerPort ?? 80) : (ports.find((each) => each.name === port)?.containerPort ?? Number(port));
  if (!Number.isInteger(chosen)) throw badRequest(`pod "${name}" has no port "${port}"`);
  return { pod, port: chosen };
}

async function serviceTarget(api: Api, { kind, info }: ResourceRequest, name: string, port: string): Promise<Target> {
  const service = (await read(api.context, keyOf(kind, info.namespace, name)))?.object as unknown as Service | undefined; // decode: stored under services
  if (service === undefined) throw notFound(kind, name);
  const ports = service.spec?.ports ?? [];
  const wanted = port === '' ? ports[0] : ports.find((each) => each.name === port || String(each.port) === port);
  if (wanted === undefined) throw serviceUnavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const found = endpointOf(api, info.namespace ?? '', name, wanted.name ?? '');
  if (found === undefined) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return found;
}

/** A ready endpoint that is a pod; which of several is left to the clock. */
function endpointOf({ context }: Api, namespace: string, service: string, portName: string): Target | undefined {
  const slices = context.cache
    .list(`${storePrefix({ group: 'discovery.k8s.io', resource: 'endpointslices' })}${namespace}/`)
    .map(({ object }) => object as unknown as Stored<EndpointSlice>) // decode: stored as EndpointSlices
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service);
  const targets = slices.flatMap((slice): readonly Target[] => {
    const port = slice.ports?.find((each) => (each.name ?? '') === portName)?.port;
    if (port === undefined) return [];
    return (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ targetRef }) => {
        const key = `${storePrefix({ group: '', resource: 'pods' })}${namespace}/${targetRef?.name ?? ''}`;
        const pod = targetRef?.kind === 'Pod' ? context.cache.get(key)?.object : undefined;
        return pod === undefined ? [] : [{ pod: pod as unknown as Stored<Pod>, port }]; // decode: stored under pods
      });
  });
  return targets[context.clock.now() % Math.max(1, targets.length)];
}
