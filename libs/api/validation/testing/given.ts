/** Builders of test objects: named, defaulted and judged, so that tests state only what they are about. */
import { applyDefaults, fieldErrorText, findByKind, validateCreate, validateUpdate, type KindInfo, type KubeObject } from '../../index.js';

function kindOf(apiVersion: string, kind: string): KindInfo {
  const info = findByKind(apiVersion, kind);
  if (info === undefined) throw new Error(`no kind ${apiVersion} ${kind}`);
  return info;
}

export interface Given {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly metadata?: KubeObject['metadata'];
  readonly [field: string]: unknown;
}

/** The object with a name, a namespace where its kind has one, and its defaults. */
export function complete({ apiVersion = 'v1', kind, metadata, ...fields }: Given): { info: KindInfo; object: KubeObject } {
  const info = kindOf(apiVersion, kind);
  const full = { name: 'x', ...(info.namespaced ? { namespace: 'default' } : {}), ...metadata };
  return { info, object: applyDefaults(info, { apiVersion, kind, metadata: full, ...fields }) };
}

/** The errors of a create, as texts. */
export function created(given: Given): readonly string[] {
  const { info, object } = complete(given);
  return validateCreate(info, object).map(fieldErrorText);
}

/** The errors of an update, as texts. */
export function updated(old: Given, given: Given, subresource?: string): readonly string[] {
  const { info, object } = complete(given);
  return validateUpdate(info, object, complete(old).object, subresource).map(fieldErrorText);
}

/** The least container. */
export const container = { name: 'c', image: 'x:1' };
export const pod = (spec: Record<string, unknown>): Given => ({ kind: 'Pod', spec: { containers: [container], ...spec } });
export const withContainer = (fields: Record<string, unknown>): Given => pod({ containers: [{ ...container, ...fields }] });
