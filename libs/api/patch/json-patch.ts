/** JSON patch (RFC 6902), through fast-json-patch, with the outcomes of Kubernetes. */
import jsonPatch, { type Operation } from 'fast-json-patch';
import { StatusError } from '../errors.js';
import { isRecord } from './json-value.js';

/** Operations that one patch may have, as in Kubernetes. */
export const JSON_PATCH_OPERATIONS_MAX = 10_000;

const operations: readonly string[] = ['add', 'remove', 'replace', 'move', 'copy', 'test'];

function decodeOperations(patch: unknown): Operation[] {
  if (!Array.isArray(patch))
    throw new StatusError('BadRequest', 'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > JSON_PATCH_OPERATIONS_MAX) {
    throw new StatusError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}, got ${patch.length}`,
    );
  }
  for (const operation of patch) {
    const isKnown = isRecord(operation) && operations.includes(String(operation['op'])) && typeof operation['path'] === 'string';
    if (!isKnown) throw new StatusError('BadRequest', `error decoding patch: unexpected operation ${JSON.stringify(operation)}`);
  }
  return patch as Operation[];
}

/** The patched value; `current` is not changed. Throws StatusError (Invalid) when an operation does not apply, also for a failed `test`. */
export function applyJsonPatch(current: unknown, patch: unknown): unknown {
  const decoded = decodeOperations(patch);
  try {
    return jsonPatch.applyPatch(current, decoded, true, false, true).newDocument;
  } catch (error) {
    const problem = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new StatusError('Invalid', 'the server rejected our request due to an error in our request', {
      causes: [{ reason: 'UnexpectedServerResponse', message: problem ?? '' }],
    });
  }
}
