/** PATCH in its four forms. */
import { applyPatch, patchContentTypes, StatusError, type KubeObject, type PatchType } from '../../api/index.js';
import type { ApiResponse } from '../ports.js';
import type { ApiContext } from '../registry/context.js';
import { updateObject } from '../registry/update.js';
import { fromStorage } from '../registry/versions.js';
import { mediaType } from '../request/body.js';
import { serverSideApply } from './apply.js';
import { formOf, objectResponse } from './respond.js';
import { fieldValidationOf, finished, operationOf, type DecodedBody, type ResourceRequest } from './write-request.js';

const APPLY = 'application/apply-patch+yaml';

export async function patchResource(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info, kind } = resource;
  const contentType = mediaType(request.headers['content-type']);
  const type = patchContentTypes[contentType];
  const form = formOf(request, context.clock.now());
  if (contentType === APPLY) {
    const applied = await serverSideApply(context, resource);
    return objectResponse(kind, applied.item, { ...form, warnings: applied.warnings }, applied.created ? 201 : 200);
  }
  if (type === undefined) throw unsupported();
  let warnings: readonly string[] = [];
  const item = await updateObject(context, operationOf(resource), info.name ?? '', (live) => {
    const decoded = patched(resource, type, live);
    warnings = decoded.warnings;
    return decoded.object;
  });
  return objectResponse(kind, item, { ...form, warnings });
}

/** A patch acts on the object as the client sees it: in the version of the request. */
function patched(resource: ResourceRequest, type: PatchType, live: KubeObject): DecodedBody {
  const { kind, request } = resource;
  const patch = { text: request.body, fieldValidation: fieldValidationOf(request) };
  return finished(resource, applyPatch(kind, type, fromStorage(kind, live), patch));
}

function unsupported(): StatusError {
  const types = [...Object.keys(patchContentTypes), APPLY].join(', ');
  return new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${types}`,
    {},
  );
}
