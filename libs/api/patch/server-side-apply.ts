/**
 * Server-side apply: a client states the fields that it cares about and owns them from then on; what it no longer states is
 * removed unless somebody else owns it; a field of another value that another manager owns is a conflict.
 * Kubernetes docs, "Server-Side Apply".
 */
import { StatusError } from '../errors.js';
import { apiVersionOf, type KindInfo } from '../kinds.js';
import type { KubeObject } from '../object.js';
import { decodeValue, type DecodeTarget } from '../schema/index.js';
import { isRecord } from './json-value.js';
import {
  fieldsOf,
  identityFields,
  readManagers,
  withManagers,
  withoutUntracked,
  type Manager,
  type TrackOptions,
} from './managed-fields.js';
import { compareObjects, ListKeyError, mergeApplied, removePaths, requireListKeys, rootSlot } from './ownership.js';
import { difference, equalSets, intersection, isEmptySet, printPaths, restrict, union, withoutSubtrees, type PathSet } from './path-set.js';

export interface ApplyOptions extends TrackOptions {
  /** Take fields over from their owners instead of failing. */
  readonly force?: boolean | undefined;
}

/** A row of the table of kinds, or a subresource's own kind (`Scale`) without subresources. */
export type ApplyTarget = DecodeTarget & Pick<KindInfo, 'subresources'>;

/** Owner of everything that stood in an object before anybody was recorded. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

/**
 * The object after applying `configuration` (the parsed body) to `live` (absent: it is created). `managedFields` are up to
 * date; an apply that changes nothing returns an equal object. Throws StatusError: Conflict with one cause a field, or BadRequest.
 */
export function applyServerSide(
  kind: ApplyTarget,
  live: KubeObject | undefined,
  configuration: unknown,
  options: ApplyOptions,
): KubeObject {
  const applied = decodeConfiguration(kind, configuration);
  try {
    requireListKeys(rootSlot(kind.schema), applied);
  } catch (error) {
    if (error instanceof ListKeyError) throw badConfiguration(kind, applied, error.message);
    throw error;
  }
  return applyDecoded(kind, live, applied, options);
}

function decodeConfiguration(kind: ApplyTarget, configuration: unknown): KubeObject {
  const { object, warnings } = decodeValue(kind, configuration, { fieldValidation: 'Warn' });
  const unknown = warnings.map((warning) => /^unknown field "(.*)"$/.exec(warning)?.[1]).filter((path) => path !== undefined);
  if (unknown.length > 0) throw badConfiguration(kind, object, unknown.map((path) => `.${path}: field not declared in schema`).join('\n'));
  if (object.metadata.managedFields !== undefined) throw new StatusError('BadRequest', 'metadata.managedFields must be nil');
  return object;
}

function badConfiguration(kind: ApplyTarget, object: KubeObject, problem: string): StatusError {
  const { namespace = '', name = '' } = object.metadata;
  return new StatusError(
    'BadRequest',
    `failed to create typed patch object (${namespace}/${name}; ${apiVersionOf(kind)}, Kind=${kind.kind}): ${problem}`,
  );
}

function applyDecoded(kind: ApplyTarget, live: KubeObject | undefined, applied: KubeObject, options: ApplyOptions): KubeObject {
  const root = rootSlot(kind.schema);
  const known = managersOf(kind, live);
  const self = known.find((m) => m.operation === 'Apply' && m.name === options.manager && m.subresource === (options.subresource ?? ''));
  const others = known.filter((m) => m !== self);
  const wanted = ownedThrough(kind, options.subresource, fieldsOf(kind, applied));
  const merged = mergeApplied(root, live, ownPart(kind, applied, options.subresource));
  const stated = [wanted, ...others.map((m) => m.fields)].reduce(union, identityFields);
  const pruned = self === undefined ? merged : removePaths(root, merged, difference(self.fields, wanted), stated);
  const result = toObject(pruned, applied);
  const { changed, removed } = compareObjects(root, live ?? {}, result);
  const conflicts = findConflicts(others, withoutUntracked(changed));
  if (options.force !== true && conflicts.length > 0) throw conflictError(conflicts);
  const remaining = others.map((m) => ({
    ...m,
    fields: withoutSubtrees(difference(m.fields, withoutUntracked(changed)), withoutUntracked(removed)),
  }));
  const isSame = self !== undefined && equalSets(self.fields, wanted) && isEmptySet(withoutUntracked(changed));
  const me: Manager = {
    name: options.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(kind),
    subresource: options.subresource ?? '',
    time: isSame ? self.time : options.now,
    fields: wanted,
  };
  return withManagers(result, [...remaining, me]);
}

function managersOf(kind: ApplyTarget, live: KubeObject | undefined): Manager[] {
  if (live === undefined) return [];
  const managers = readManagers(live.metadata.managedFields);
  if (managers.length > 0) return managers;
  return [
    {
      name: BEFORE_FIRST_APPLY,
      operation: 'Update',
      apiVersion: apiVersionOf(kind),
      subresource: '',
      time: live.metadata.creationTimestamp,
      fields: fieldsOf(kind, live),
    },
  ];
}

/** Through the main resource nobody owns the status, through `status` nothing else. */
function ownedThrough(kind: ApplyTarget, subresource: string | undefined, fields: PathSet): PathSet {
  if (subresource === 'status') return restrict(fields, (key) => key === 'f:status');
  return kind.subresources.includes('status') ? restrict(fields, (key) => key !== 'f:status') : fields;
}

function ownPart(kind: ApplyTarget, applied: KubeObject, subresource: string | undefined): KubeObject {
  const { status, ...rest } = applied;
  if (subresource === 'status')
    return { apiVersion: applied.apiVersion, kind: applied.kind, metadata: {}, ...(status === undefined ? {} : { status }) };
  return kind.subresources.includes('status')
    ? { ...rest, apiVersion: applied.apiVersion, kind: applied.kind, metadata: applied.metadata }
    : applied;
}

function toObject(value: unknown, applied: KubeObject): KubeObject {
  const fields = isRecord(value) ? value : {};
  const metadata = isRecord(fields['metadata']) ? fields['metadata'] : {};
  return { ...fields, apiVersion: applied.apiVersion, kind: applied.kind, metadata };
}

interface Conflict {
  readonly manager: string;
  readonly path: string;
}

function findConflicts(others: readonly Manager[], changed: PathSet): Conflict[] {
  return others.flatMap((other) =>
    printPaths(intersection(other.fields, changed)).map((path) => ({ manager: describeManager(other), path })),
  );
}

/** `"kubectl-client-side-apply" using apps/v1`; appliers have no version, as they may change it freely. */
function describeManager(manager: Manager): string {
  const through = manager.subresource === '' ? '' : ` with subresource "${manager.subresource}"`;
  return `"${manager.name}"${through}${manager.operation === 'Update' ? ` using ${manager.apiVersion}` : ''}`;
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map((c) => ({ reason: 'FieldManagerConflict', message: `conflict with ${c.manager}`, field: c.path }));
  return new StatusError('Conflict', conflictMessage(conflicts), { causes });
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first !== undefined) return `Apply failed with 1 conflict: conflict with ${first.manager}: ${first.path}`;
  const managers = [...new Set(conflicts.map((c) => c.manager))].sort();
  const parts = managers.map((manager) => {
    const paths = conflicts.filter((c) => c.manager === manager).map((c) => `- ${c.path}`);
    return `conflicts with ${manager}:\n${paths.join('\n')}`;
  });
  return `Apply failed with ${conflicts.length} conflicts: ${parts.join('\n')}`;
}
