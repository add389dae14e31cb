/** PATCH in its four forms. */
import { StatusError, type KubeObject } from '../../api/index.js';
import { applyPatch, type PatchType } from '../model.js';
import type { ApiResponse } from '../ports.js';
import type { ApiContext } from '../registry/context.js';
import { updateObject } from '../registry/update.js';
import { fromStorage } from '../registry/versions.js';
import { mediaType, parseJson } from '../request/body.js';
import { serverSideApply } from './apply.js';
import { formOf, objectResponse } from './respond.js';
import { decodeData, operationOf, type ResourceRequest } from './write-request.js';

const patchTypes: Readonly<Record<string, PatchType | 'apply'>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

export async function patchResource(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info, kind } = resource;
  const type = patchTypes[mediaType(request.headers['content-type'])];
  if (type === undefined) throw unsupported();
  const form = formOf(request, context.clock.now());
  if (type === 'apply') {
    const applied = await serverSideApply(context, resource);
    return objectResponse(kind, applied.item, { ...form, warnings: applied.warnings }, applied.created ? 201 : 200);
  }
  const patch = parseJson(request.body);
  let warnings: readonly string[] = [];
  const item = await updateObject(context, operationOf(resource), info.name ?? '', (live) => {
    const decoded = patched(resource, type, patch, live);
    warnings = decoded.warnings;
    return decoded.object;
  });
  return objectResponse(kind, item, { ...form, warnings });
}

/** A patch acts on the object as the client sees it: in the version of the request. */
export function patched(
  resource: ResourceRequest,
  type: PatchType,
  patch: unknown,
  live: KubeObject,
): { readonly object: KubeObject; readonly warnings: readonly string[] } {
  return decodeData(resource, applyPatch(resource.kind, type, patch, fromStorage(resource.kind, live)));
}

function unsupported(): StatusError {
  const types = Object.keys(patchTypes).join(', ');
  return new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${types}`,
    {},
  );
}
