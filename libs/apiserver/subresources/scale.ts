/** `scale`: the replica count of a workload behind one shape, autoscaling/v1 `Scale`. */
import {
  applyPatch,
  decodeValue,
  formatLabelSelector,
  labelSelectorRequirements,
  mapRequirements,
  type KindInfo,
  type KubeObject,
  type LabelSelector,
} from '../../api/index.js';
import type { CachedObject } from '../../storage/index.js';
import type { ApiResponse } from '../ports.js';
import type { ApiContext } from '../registry/context.js';
import { integer, record } from '../registry/object.js';
import { keyOf, read } from '../registry/object-store.js';
import { updateObject } from '../registry/update.js';
import { mediaType, parseBody } from '../request/body.js';
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

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: 'Scale' } as const;

function changeScale(context: ApiContext, resource: ResourceRequest, name: string): Promise<CachedObject> {
  const { request, info, kind } = resource;
  const put = info.verb === 'update' ? decodeValue(SCALE, parseBody(request.body, request.headers['content-type'])).object : undefined;
  return updateObject(context, operationOf(resource, 'scale'), name, (live) =>
    scaled(live, put ?? applyPatch({ ...kind, ...SCALE }, patchType(resource), scaleOf(kind, live), patchText(resource)).object),
  );
}

/** A Scale has no lists, so strategic merge and apply are plain merges. */
function patchType({ request }: ResourceRequest): 'json' | 'merge' {
  return mediaType(request.headers['content-type']) === 'application/json-patch+json' ? 'json' : 'merge';
}

function patchText({ request }: ResourceRequest): { readonly text: string } {
  const isApply = mediaType(request.headers['content-type']) === 'application/apply-patch+yaml';
  return { text: isApply ? JSON.stringify(parseBody(request.body, 'application/yaml')) : request.body };
}

function scaled(live: KubeObject, scale: KubeObject): KubeObject {
  const replicas = record(scale['spec'])['replicas'] ?? 0;
  const name = live.metadata.name ?? '';
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`;
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [{ path: 'spec.replicas', type: 'FieldValueInvalid', message }]);
  }
  const { resourceVersion, uid } = scale.metadata;
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
