/** The verbs of a stored resource, from decoded request to response. */
import { qualifiedResource, type KindInfo, type StatusError } from '../../api/index.js';
import type { ApiResponse } from '../ports.js';
import { createObject } from '../registry/create.js';
import type { ApiContext } from '../registry/context.js';
import { deleteObject, type DeleteOptions } from '../registry/delete.js';
import { listObjects, parseVersion, prefixOf } from '../registry/list.js';
import { withMetadata } from '../registry/object.js';
import { keyOf, read } from '../registry/object-store.js';
import { selectionOf, type Selection } from '../registry/selection.js';
import { defaultPropagation, deletionAnswersObject, updateMayCreate, updateNeedsVersion } from '../registry/strategy.js';
import { updateObject } from '../registry/update.js';
import { storageKind } from '../registry/versions.js';
import { watchObjects } from '../registry/watch.js';
import { badRequest, invalid, methodNotAllowed, notFound, success } from '../status.js';
import { patchResource } from './patch.js';
import { queryFlag, queryNumber, queryText } from './query.js';
import { data, eventRenderer, formOf, listResponse, objectResponse } from './respond.js';
import { decodeBody, deleteOptionsOf, operationOf, type ResourceRequest } from './write-request.js';

type Handler = (context: ApiContext, resource: ResourceRequest) => Promise<ApiResponse>;

const handlers: Readonly<Record<ResourceRequest['info']['verb'], Handler>> = {
  create,
  delete: remove,
  deletecollection: removeCollection,
  get,
  list,
  patch: patchResource,
  update,
  watch,
};

/** Serves the object itself and its `status`, `approval` and `finalize` parts. */
export function serveResource(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { info, kind } = resource;
  const isPart = info.subresource !== undefined;
  if (isPart && !['get', 'update', 'patch'].includes(info.verb)) throw methodNotAllowed();
  if (!isPart && !kind.verbs.includes(info.verb)) throw methodNotAllowed();
  // Nobody empties all namespaces with one request.
  if (info.verb === 'deletecollection' && kind.namespaced && info.namespace === undefined) throw methodNotAllowed();
  // A collection is posted to, an object is put and patched; nothing else.
  const isNamed = info.name !== undefined;
  if (info.verb === 'create' ? isNamed : (info.verb === 'update' || info.verb === 'patch') && !isNamed) throw methodNotAllowed();
  return handlers[info.verb](context, resource);
}

async function get(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info, kind } = resource;
  const name = info.name ?? '';
  const form = formOf(request, context.clock.now());
  const item = await read(context, keyOf(storageKind(kind), info.namespace, name));
  if (item === undefined) throw notFound(kind, name);
  return objectResponse(kind, item, form);
}

async function list(context: ApiContext, { request, info, kind }: ResourceRequest): Promise<ApiResponse> {
  const form = formOf(request, context.clock.now());
  const { query } = request;
  const selection = selectionOf(storageKind(kind), query);
  const listing = await listObjects(context, prefixOf(storageKind(kind), info.namespace), selection, {
    limit: queryNumber(query, 'limit') ?? 0,
    continueToken: queryText(query, 'continue'),
    resourceVersion: queryText(query, 'resourceVersion'),
    resourceVersionMatch: queryText(query, 'resourceVersionMatch'),
  });
  return listResponse(kind, listing, form);
}

async function watch(context: ApiContext, { request, info, kind }: ResourceRequest): Promise<ApiResponse> {
  const form = formOf(request, context.clock.now());
  const { query } = request;
  const version = queryText(query, 'resourceVersion');
  const marked = queryFlag(query, 'sendInitialEvents');
  checkInitialEvents(query, marked);
  // Kubernetes docs, "Resource versions": unset and 0 start with the objects that exist, any other version with what follows it.
  const initialEvents = query.has('sendInitialEvents') ? marked : version === '' || version === '0';
  const chunks = watchObjects(
    context,
    {
      prefix: prefixOf(storageKind(kind), info.namespace),
      selection: ofName(selectionOf(storageKind(kind), query), info.name),
      kind,
      resourceVersion: parseVersion(version),
      initialEvents,
      marksInitialEvents: marked,
      bookmarks: queryFlag(query, 'allowWatchBookmarks'),
      timeoutSeconds: queryNumber(query, 'timeoutSeconds') || undefined,
      render: eventRenderer(kind, form, () => context.clock.now()),
      eventKind: form.accepted.as === undefined ? undefined : { kind: form.accepted.as.kind, apiVersion: 'meta.k8s.io/v1' },
    },
    request.signal,
  );
  return Promise.resolve({ kind: 'stream', status: 200, headers: { 'Content-Type': 'application/json' }, chunks });
}

/** `/watch/.../pods/x` names its object in the path. */
function ofName(selection: Selection, name: string | undefined): Selection {
  if (name === undefined) return selection;
  return { isEverything: false, name, matches: (object) => object.metadata.name === name && selection.matches(object) };
}

function checkInitialEvents(query: ResourceRequest['request']['query'], marked: boolean): void {
  const match = queryText(query, 'resourceVersionMatch');
  if (query.has('sendInitialEvents') && match !== 'NotOlderThan') {
    throw badRequest('resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  if (!query.has('sendInitialEvents') && match !== '') {
    throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  }
  if (marked && !queryFlag(query, 'allowWatchBookmarks')) {
    throw badRequest('sendInitialEvents: Forbidden: sendInitialEvents requires allowWatchBookmarks');
  }
}

async function create(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const form = formOf(resource.request, context.clock.now());
  const operation = operationOf(resource);
  const { object, warnings } = decodeBody(resource);
  if (resource.kind.namespaced && resource.info.namespace === undefined)
    throw badRequest('an empty namespace may not be set during creation');
  return objectResponse(resource.kind, await createObject(context, operation, object), { ...form, warnings }, 201);
}

async function update(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const form = formOf(resource.request, context.clock.now());
  const { kind, info } = resource;
  const operation = operationOf(resource);
  const { object, warnings } = decodeBody(resource);
  const name = info.name ?? '';
  if (info.subresource === undefined && updateMayCreate(kind)) {
    const live = await read(context, keyOf(storageKind(kind), info.namespace, name));
    if (live === undefined) {
      return objectResponse(kind, await createObject(context, operation, withMetadata(object, { name })), { ...form, warnings }, 201);
    }
  }
  if (updateNeedsVersion(kind) && (object.metadata.resourceVersion ?? '') === '') throw versionMissing(kind, name);
  const item = await updateObject(context, operation, name, () => object);
  return objectResponse(kind, item, { ...form, warnings });
}

function versionMissing(kind: KindInfo, name: string): StatusError {
  const message = 'Invalid value: 0: must be specified for an update';
  return invalid(kind, name, [{ path: 'metadata.resourceVersion', type: 'FieldValueInvalid', message }]);
}

async function remove(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info, kind } = resource;
  const form = formOf(request, context.clock.now());
  const options = { ...deleteOptionsOf(request), propagationDefault: defaultPropagation(kind) };
  const operation = { ...operationOf(resource), dryRun: options.dryRun };
  const deleted = await deleteObject(context, operation, info.name ?? '', options);
  const warned = { ...form, warnings: deletionWarnings(kind, options) };
  if (deleted.gone && !deletionAnswersObject(kind)) {
    return data(success(kind, info.name ?? '', deleted.object.object.metadata.uid), warned);
  }
  return objectResponse(kind, deleted.object, warned);
}

function deletionWarnings(kind: KindInfo, { propagationPolicy }: DeleteOptions): readonly string[] {
  if (propagationPolicy !== undefined || qualifiedResource(kind) !== 'jobs.batch') return [];
  const ways = 'set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';
  return [`child pods are preserved by default when jobs are deleted; ${ways}`];
}

async function removeCollection(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info, kind } = resource;
  const form = formOf(request, context.clock.now());
  const options = { ...deleteOptionsOf(request), propagationDefault: defaultPropagation(kind) };
  const operation = { ...operationOf(resource), dryRun: options.dryRun };
  const selection = selectionOf(storageKind(kind), request.query);
  const listing = await listObjects(context, prefixOf(storageKind(kind), info.namespace), selection, {
    limit: queryNumber(request.query, 'limit') ?? 0,
    continueToken: queryText(request.query, 'continue'),
    resourceVersion: '',
    resourceVersionMatch: '',
  });
  for (const { object } of listing.items) {
    const { namespace, name = '' } = object.metadata;
    await deleteObject(context, { ...operation, namespace }, name, options).catch(ignoreMissing);
  }
  return listResponse(kind, listing, form);
}

/** Somebody else deleted it first: the wish is fulfilled. */
function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'reason' in error && error.reason === 'NotFound')) throw error;
}
