/** Which code answers which subresource. */
import type { Api } from '../pipeline.js';
import type { ApiResponse } from '../ports.js';
import { serveResource } from '../serve/resource.js';
import { decodeBody, type ResourceRequest } from '../serve/write-request.js';
import { unknownPath } from '../status.js';
import { bindPod } from './binding.js';
import { evictPod } from './eviction.js';
import { servePodLog } from './log.js';
import { serveProxy } from './proxy.js';
import { openSession } from './session.js';
import { serveScale } from './scale.js';
import { requestToken } from './token.js';

type Subresource = (api: Api, resource: ResourceRequest) => Promise<ApiResponse>;

const asPartOfObject: Subresource = (api, resource) => serveResource(api.context, resource);

const subresources: Readonly<Record<string, Subresource>> = {
  status: asPartOfObject,
  approval: asPartOfObject,
  finalize: asPartOfObject,
  ephemeralcontainers: asPartOfObject,
  resize: asPartOfObject,
  scale: (api, resource) => serveScale(api.context, resource),
  binding: (api, resource) => bindPod(api.context, resource, decodeBody({ ...resource, kind: bindingKind(resource) }).object),
  eviction: (api, resource) => evictPod(api.context, resource),
  log: servePodLog,
  exec: openSession,
  attach: openSession,
  portforward: openSession,
  token: requestToken,
  proxy: serveProxy,
};

export function serveSubresource(api: Api, resource: ResourceRequest): Promise<ApiResponse> {
  const serve = subresources[resource.info.subresource ?? ''];
  if (serve === undefined) throw unknownPath();
  return serve(api, resource);
}

function bindingKind(resource: ResourceRequest): ResourceRequest['kind'] {
  return { ...resource.kind, kind: 'Binding', schema: 'Binding' };
}
