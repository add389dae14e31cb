/** `scale`: the replica count of a workload behind one shape, autoscaling/v1 `Scale`. */
import {
  formatLabelSelector,
  labelSelectorRequirements,
  mapRequirements,
  type KindInfo,
  type KubeObject,
  type LabelSelector,
} from '../../api/index.js';
import type { CachedObject } from '../../storage/index.js';
import { applyPatch } from '../model.js';
import type { ApiResponse } from '../ports.js';
import type { ApiContext } from '../registry/context.js';
import { integer, record } from '../registry/object.js';
import { keyOf, read } from '../registry/object-store.js';
import { updateObject } from '../registry/update.js';
import { mediaType, parseBody, parseJson } from '../request/body.js';
import { data, formOf } from '../serve/respond.js';
import { operationOf, type ResourceRequest } from '../serve/write-request.js';
import { invalid, methodNotAllowed, notFound } from '../status.js';

export async function serveScale(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info, kind } = resource;
  const form = formOf(request, context.clock.now());
  const name = info.name ?? '';
  if (info.verb === 'get') {
    const item = await read(context, keyOf(kind, info.namespace, name));
    if (item === undefined) throw notFound(kind, name);
    return data(scaleOf(kind, item.object), form);
  }
  if (info.verb !== 'update' && info.verb !== 'patch') throw methodNotAllowed();
  return data(scaleOf(kind, (await changeScale(context, resource, name)).object), form);
}

function changeScale(context: ApiContext, resource: ResourceRequest, name: string): Promise<CachedObject> {
  const { request, info, kind } = resource;
  const body = info.verb === 'update' ? parseBody(request.body, request.headers['content-type']) : parsePatch(resource);
  return updateObject(context, operationOf(resource, 'scale'), name, (live) => {
    const wanted = info.verb === 'update' ? (body as KubeObject) : applyPatch(kind, patchType(resource), body, scaleOf(kind, live));
    return scaled(kind, live, wanted);
  });
}

function parsePatch({ request }: ResourceRequest): unknown {
  return mediaType(request.headers['content-type']) === 'application/apply-patch+yaml'
    ? parseBody(request.body, 'application/yaml')
    : parseJson(request.body);
}

/** A Scale has no lists, so strategic merge and apply are plain merges. */
function patchType({ request }: ResourceRequest): 'json' | 'merge' {
  return mediaType(request.headers['content-type']) === 'application/json-patch+json' ? 'json' : 'merge';
}

function scaled(kind: KindInfo, live: KubeObject, scale: KubeObject): KubeObject {
  const replicas = record(scale['spec'])['replicas'] ?? 0;
  const name = live.metadata.name ?? '';
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`;
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [{ path: 'spec.replicas', type: 'FieldValueInvalid', message }]);
  }
  const { resourceVersion, uid } = record(scale['metadata']) as KubeObject['metadata'];
  const metadata = { ...live.metadata, resourceVersion: resourceVersion ?? '', uid: uid ?? live.metadata.uid ?? '' };
  return { ...live, metadata, spec: { ...record(live['spec']), replicas } };
}

function scaleOf(kind: KindInfo, object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const spec = record(object['spec']);
  const status = record(object['status']);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: integer(spec['replicas']) ?? 0 },
    status: { replicas: integer(status['replicas']) ?? 0, selector: selectorText(kind, spec['selector']) },
  };
}

function selectorText(kind: KindInfo, selector: unknown): string {
  if (kind.resource === 'replicationcontrollers')
    return formatLabelSelector(mapRequirements(record(selector) as Readonly<Record<string, string>>));
  return formatLabelSelector(labelSelectorRequirements(selector as LabelSelector | undefined) ?? []);
}
