/** Validation of every built-in kind, in the words of Kubernetes. All broken rules are reported, not the first alone. */
import { StatusError, type FieldError } from '../errors.js';
import type { KindInfo } from '../kinds.js';
import type { KubeObject } from '../object.js';
import { rulesOfKind, type KindRules } from './kind-rules.js';
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.js';
import { Place } from './place.js';
import { compiled } from './rule-class.js';

/** What is wrong with a new object. It has been decoded and defaulted, and its name has been generated if it was to be. */
export function validateCreate(kind: KindInfo, object: KubeObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  always(kind, rulesOfKind(kind), { object, at: Place.top(errors) });
  return errors;
}

/**
 * What is wrong with an update: the object by itself, and against what was stored. A pod's `resize` and
 * `ephemeralcontainers` may change what an update of the pod itself may not.
 */
export function validateUpdate(kind: KindInfo, object: KubeObject, old: KubeObject, subresource?: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const rules = rulesOfKind(kind);
  const at = Place.top(errors);
  validateObjectMetaUpdate(object.metadata, old.metadata, at.field('metadata'));
  rules.update?.(object, old, at, subresource);
  // A pod that runs was valid when it came; where an update is refused already, its whole spec is not judged again.
  if (errors.length === 0 || kind.kind !== 'Pod') always(kind, rules, { object, at });
  return withoutRepeats(errors);
}

/** What is wrong with a status update: of the rest nothing changes, so only metadata and the counts are looked at. */
export function validateStatusUpdate(kind: KindInfo, object: KubeObject, old: KubeObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  const at = Place.top(errors);
  validateObjectMetaUpdate(object.metadata, old.metadata, at.field('metadata'));
  validateObjectMeta(object.metadata, { namespaced: kind.namespaced, name: rulesOfKind(kind).name }, at.field('metadata'));
  counts(object['status'], at.field('status'));
  return errors;
}

function always(kind: KindInfo, rules: KindRules, subject: { readonly object: KubeObject; readonly at: Place }): void {
  const { object, at } = subject;
  validateObjectMeta(object.metadata, { namespaced: kind.namespaced, name: rules.name }, at.field('metadata'));
  if (rules.rules !== undefined) compiled(rules.rules)(object, at);
}

/** No status counts below nothing. Exit codes and the like are no counts, and lie deeper. */
function counts(status: unknown, at: Place): void {
  if (typeof status !== 'object' || status === null) return;
  for (const [field, value] of Object.entries(status)) {
    if (typeof value === 'number' && value < 0) at.field(field).invalid(value, 'must be greater than or equal to 0');
  }
}

function withoutRepeats(errors: readonly FieldError[]): readonly FieldError[] {
  const seen = new Set<string>();
  return errors.filter(({ path, message }) => {
    const text = `${path}: ${message}`;
    return !seen.has(text) && seen.add(text).size > 0;
  });
}

/**
 * `Deployment.apps "x" is invalid: [a, b]`, with one cause for each error: 422 Invalid. One error stands without brackets,
 * and texts that repeat are said once.
 */
export function invalidStatus(kind: Pick<KindInfo, 'group' | 'kind'>, name: string, errors: readonly FieldError[]): StatusError {
  const texts = [...new Set(errors.map(fieldErrorText))];
  const reason = texts.length === 0 ? '' : `: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`;
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return new StatusError('Invalid', `${qualified} ${JSON.stringify(name)} is invalid${reason}`, {
    name,
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    causes: errors.map(({ type, message, path }) => ({ reason: type, message, field: path })),
  });
}

/** `spec.containers[0].image: Required value`. */
export function fieldErrorText(error: FieldError): string {
  return error.path === '' ? error.message : `${error.path}: ${error.message}`;
}
