/** Server-side apply: creates what is missing, otherwise merges and records who owns which field. */
import { applyServerSide, type KubeObject } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { CachedObject } from '../../storage/index.js';
import { createObject } from '../registry/create.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { withMetadata } from '../registry/object.js';
import { keyOf, read } from '../registry/object-store.js';
import { updateObject } from '../registry/update.js';
import { fromStorage, storageKind } from '../registry/versions.js';
import { parseBody } from '../request/body.js';
import { badRequest, notFound } from '../status.js';
import { queryFlag, queryText } from './query.js';
import { finished, operationOf, type ResourceRequest } from './write-request.js';

export interface Applied {
  readonly item: CachedObject;
  readonly created: boolean;
  readonly warnings: readonly string[];
}

/** Throws Conflict with one cause for each field that another manager owns, unless `force` is asked for. */
export async function serverSideApply(context: ApiContext, resource: ResourceRequest): Promise<Applied> {
  const { request, info, kind } = resource;
  if (queryText(request.query, 'fieldManager') === '') {
    throw badRequest('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch');
  }
  const configuration = parseBody(request.body, 'application/yaml');
  const operation: Operation = { ...operationOf(resource), isApply: true };
  const name = info.name ?? '';
  const merged = (live: KubeObject | undefined): KubeObject => merge(context, resource, configuration, live);
  const live = await read(context, keyOf(storageKind(kind), info.namespace, name));
  if (live === undefined && info.subresource !== undefined) throw notFound(kind, name);
  if (live === undefined) {
    const item = await createObject(context, operation, withMetadata(merged(undefined), { name }));
    return { item, created: true, warnings: [] };
  }
  return { item: await updateObject(context, operation, name, merged), created: false, warnings: [] };
}

function merge(context: ApiContext, resource: ResourceRequest, configuration: unknown, live: KubeObject | undefined): KubeObject {
  const { request, info, kind } = resource;
  const current = live === undefined ? undefined : fromStorage(kind, live);
  const applied = applyServerSide(kind, current, configuration, {
    manager: queryText(request.query, 'fieldManager'),
    now: formatTime(context.clock.now()),
    force: queryFlag(request.query, 'force'),
    subresource: info.subresource,
  });
  return finished(resource, { object: applied, warnings: [] }).object;
}
