/** What create, update, patch and delete requests carry: the decoded object and the options around it. */
import {
  applyDefaults,
  decodeObject,
  decodeValue,
  type Decoded,
  type FieldValidation,
  type KindInfo,
  type KubeObject,
} from '../../api/index.js';
import type { ApiRequest, UserInfo } from '../ports.js';
import type { Operation } from '../registry/context.js';
import type { DeleteOptions } from '../registry/delete.js';
import { integer, record, text, texts } from '../registry/object.js';
import { storageKind, toStorage } from '../registry/versions.js';
import { mediaType, parseBody } from '../request/body.js';
import type { ResourceInfo } from '../request/request-info.js';
import { badRequest } from '../status.js';
import { dryRunOf, queryNumber, queryText, unsupportedOption } from './query.js';

/** One authorized request for a resource of the table. */
export interface ResourceRequest {
  readonly request: ApiRequest;
  readonly info: ResourceInfo;
  readonly kind: KindInfo;
  readonly user: UserInfo;
}

export function operationOf({ request, info, kind, user }: ResourceRequest, subresource = info.subresource): Operation {
  return {
    kind: storageKind(kind),
    namespace: kind.namespaced ? info.namespace : undefined,
    user,
    dryRun: dryRunOf(request.query.get('dryRun') ?? [], request.method),
    fieldManager: managerOf(request),
    subresource,
  };
}

/** `fieldManager`, else the first word of the user agent: `kubectl/v1.35.0 (linux/amd64)` is `kubectl`. */
function managerOf(request: ApiRequest): string {
  const named = queryText(request.query, 'fieldManager');
  return named === '' ? ((request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown').slice(0, 128) : named;
}

export function fieldValidationOf(request: ApiRequest): FieldValidation {
  const asked = queryText(request.query, 'fieldValidation');
  if (asked === '') return 'Warn';
  if (asked === 'Ignore' || asked === 'Warn' || asked === 'Strict') return asked;
  throw unsupportedOption(request.method, 'fieldValidation', asked, ['Ignore', 'Strict', 'Warn']);
}

export interface DecodedBody {
  /** In stored form, defaults filled in. */
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** Decodes the object in a create or update body. Throws BadRequest in Kubernetes' words. */
export function decodeBody(resource: ResourceRequest): DecodedBody {
  const { request, kind } = resource;
  const type = mediaType(request.headers['content-type']);
  const fieldValidation = fieldValidationOf(request);
  if (type !== '' && type !== 'application/json') return decodeData(resource, parseBody(request.body, type));
  return finished(resource, decodeObject(kind, request.body, { fieldValidation }));
}

/** As `decodeBody`, for what is no text any more: YAML documents. */
function decodeData(resource: ResourceRequest, raw: unknown): DecodedBody {
  return finished(resource, decodeValue(resource.kind, raw, { fieldValidation: fieldValidationOf(resource.request) }));
}

/** Checks the place of a decoded object, fills its defaults and turns it into its stored form. */
export function finished({ info, kind }: ResourceRequest, { object, warnings }: Decoded): DecodedBody {
  checkPlace(kind, info, object);
  return { object: toStorage(kind, applyDefaults(kind, object)), warnings };
}

function checkPlace(kind: KindInfo, info: ResourceInfo, object: KubeObject): void {
  const { namespace, name } = object.metadata;
  if (kind.namespaced && (namespace ?? '') !== '' && namespace !== info.namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  if (info.name !== undefined && (name ?? '') !== '' && name !== info.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
  }
}

/** `DeleteOptions` from the body, or from the query where there is no body. */
export function deleteOptionsOf(request: ApiRequest): DeleteOptions & { readonly dryRun: boolean } {
  const body = request.body.trim() === '' ? {} : record(parseBody(request.body, request.headers['content-type']));
  const preconditions = record(body['preconditions']);
  const orphan = body['orphanDependents'] ?? (queryText(request.query, 'orphanDependents') || undefined);
  const policy = text(body['propagationPolicy']) || queryText(request.query, 'propagationPolicy') || fromOrphan(orphan);
  if (policy !== undefined && !['Background', 'Foreground', 'Orphan'].includes(policy)) {
    throw badRequest(
      `invalid DeleteOptions: propagationPolicy: Unsupported value: "${policy}": supported values: "Background", "Foreground", "Orphan"`,
    );
  }
  return {
    gracePeriodSeconds: integer(body['gracePeriodSeconds']) ?? queryNumber(request.query, 'gracePeriodSeconds'),
    propagationPolicy: policy,
    uid: text(preconditions['uid']),
    resourceVersion: text(preconditions['resourceVersion']),
    dryRun: dryRunOf([...texts(body['dryRun']), ...(request.query.get('dryRun') ?? [])], request.method),
  };
}

function fromOrphan(orphan: unknown): string | undefined {
  if (orphan === undefined) return undefined;
  return orphan === true || orphan === 'true' ? 'Orphan' : 'Background';
}
