/** Validation of `metadata`, on create and on update, the same for all kinds but for the form of the name. */
import type { ObjectMeta } from '../generated/types.js';
import { asStem, isDnsLabel, isQualifiedName } from './checks/names.js';
import { annotations, immutable, isSame, labels } from './checks/values.js';
import type { Place } from './place.js';
import { compiled } from './rule-class.js';
import { OwnerReferenceRules } from './rules/meta.js';

/** What is wrong with a name of some kind; nothing when it is right. */
export type NameForm = (name: string) => readonly string[];

interface MetaRules {
  readonly namespaced: boolean;
  readonly name: NameForm;
}

/** Everything that holds for metadata at any time. */
export function validateObjectMeta(meta: ObjectMeta, rules: MetaRules, at: Place): void {
  const { name = '', generateName = '', namespace = '' } = meta;
  if (generateName !== '') at.field('generateName').invalidEach(generateName, asStem(rules.name)(generateName));
  if (name === '') at.field('name').required('name or generateName is required');
  else at.field('name').invalidEach(name, rules.name(name));
  if (rules.namespaced) {
    if (namespace === '') at.field('namespace').required();
    else at.field('namespace').invalidEach(namespace, isDnsLabel(namespace));
  } else if (namespace !== '') at.field('namespace').forbidden('not allowed on this type');
  if (meta.generation !== undefined && meta.generation < 0) {
    at.field('generation').invalid(meta.generation, 'must be greater than or equal to 0');
  }
  if (meta.labels !== undefined && meta.labels !== null) labels(meta.labels, at.field('labels'));
  if (meta.annotations !== undefined && meta.annotations !== null) annotations(meta.annotations, at.field('annotations'));
  owners(meta, at.field('ownerReferences'));
  finalizers(meta, at.field('finalizers'));
}

function owners(meta: ObjectMeta, at: Place): void {
  const check = compiled(OwnerReferenceRules);
  let controller: string | undefined;
  for (const [index, owner] of (meta.ownerReferences ?? []).entries()) {
    check(owner, at.index(index));
    if (owner.apiVersion === 'v1' && owner.kind === 'Event')
      at.index(index).invalid(owner, '/v1, Kind=Event is disallowed from being an owner');
    if (owner.controller !== true) continue;
    if (controller === undefined) controller = owner.name;
    else {
      const both = `"${controller}" and "${owner.name}"`;
      at.invalid(meta.ownerReferences, `Only one reference can have Controller set to true. Found "true" in references for ${both}`);
    }
  }
}

const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'foregroundDeletion', 'orphan']);

function finalizers(meta: ObjectMeta, at: Place): void {
  const list = meta.finalizers ?? [];
  for (const finalizer of list) {
    const messages = isQualifiedName(finalizer);
    at.invalidEach(finalizer, messages);
    if (messages.length === 0 && !finalizer.includes('/') && !standardFinalizers.has(finalizer)) {
      at.invalid(finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
    }
  }
  if (list.includes('orphan') && list.includes('foregroundDeletion')) {
    at.invalid(list, 'finalizer orphan and foregroundDeletion cannot be both set');
  }
}

/** What an update may not change; the server keeps uid and times itself where the client leaves them out. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, at: Place): void {
  const gone = old.deletionTimestamp !== undefined;
  const fresh = (meta.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer));
  if (gone && fresh.length > 0) {
    const found = `[]string{${fresh.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
    at.field('finalizers').forbidden(`no new finalizers can be added if the object is being deleted, found new finalizers ${found}`);
  }
  if (meta.generation !== undefined && old.generation !== undefined && meta.generation < old.generation) {
    at.field('generation').invalid(meta.generation, 'must not be decremented');
  }
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp'] as const) {
    if (meta[field] !== undefined) immutable(meta[field], old[field], at.field(field));
  }
  if (meta.deletionTimestamp !== undefined && !isSame(meta.deletionTimestamp, old.deletionTimestamp)) {
    at.field('deletionTimestamp').invalid(meta.deletionTimestamp, 'field is immutable');
  }
}
