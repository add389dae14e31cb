/** The patches of the API other than server-side apply: reads the text, patches, and decodes the outcome as a body is decoded. */
import { StatusError } from '../errors.js';
import type { KubeObject } from '../object.js';
import { decodeValue, NESTING_MAX, type Decoded, type DecodeOptions, type DecodeTarget } from '../schema/index.js';
import { findDuplicateFields } from '../schema/duplicate-fields.js';
import { explainSyntaxError } from '../schema/json-syntax.js';
import { applyJsonPatch } from './json-patch.js';
import { isDeeperThan, isRecord } from './json-value.js';
import { applyMergePatch } from './merge-patch.js';
import { applyStrategicMerge } from './strategic-merge.js';

export type PatchType = 'json' | 'merge' | 'strategic';

/** Content types of the patches that `applyPatch` knows. Server-side apply is `application/apply-patch+yaml`. */
export const patchContentTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** Duplicate fields of a patch that are listed in one answer. */
const DUPLICATES_MAX = 100;

/**
 * The patched object. `current` is in the version of `kind` and is not changed. Throws StatusError: BadRequest for a patch
 * that cannot be read, Invalid for one that does not apply or whose outcome has wrong types, UnsupportedMediaType for a
 * strategic patch of a kind without a schema.
 */
export function applyPatch(
  kind: DecodeTarget,
  type: PatchType,
  current: KubeObject,
  patch: { readonly text: string } & Pick<DecodeOptions, 'fieldValidation'>,
): Decoded {
  const parsed = parsePatch(patch.text);
  const validation = patch.fieldValidation ?? 'Ignore';
  const patched = decodePatched(kind, patchValue(kind, type, current, parsed), validation === 'Ignore' ? 'Ignore' : 'Warn');
  if (validation === 'Ignore') return patched;
  const duplicates = type === 'json' ? [] : findDuplicateFields(patch.text, DUPLICATES_MAX);
  const problems = [...duplicates.map((path) => `duplicate field "${path}"`), ...patched.warnings];
  if (validation === 'Strict' && problems.length > 0) throw new StatusError('BadRequest', `strict decoding error: ${problems.join(', ')}`);
  return { object: patched.object, warnings: problems };
}

function parsePatch(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new StatusError('BadRequest', `error decoding patch: ${explainSyntaxError(text)}`);
  }
  if (isDeeperThan(parsed, NESTING_MAX)) throw new StatusError('BadRequest', `error decoding patch: exceeded max depth of ${NESTING_MAX}`);
  return parsed;
}

function patchValue(kind: DecodeTarget, type: PatchType, current: KubeObject, patch: unknown): unknown {
  if (type === 'json') return applyJsonPatch(current, patch);
  if (!isRecord(patch))
    throw new StatusError('BadRequest', 'error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}');
  if (type === 'merge') return applyMergePatch(current, patch);
  if (kind.schema === undefined) {
    throw new StatusError(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    );
  }
  return applyStrategicMerge(kind.schema, current, patch);
}

function decodePatched(kind: DecodeTarget, patched: unknown, fieldValidation: 'Ignore' | 'Warn'): Decoded {
  try {
    return decodeValue(kind, patched, { fieldValidation });
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const problem = error.message.replace(/^.*? cannot be handled as a \w+: /s, '');
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${problem}`;
    throw new StatusError('Invalid', ` "" is invalid: patch: ${message}`, {
      causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
    });
  }
}
