/** Answers in the forms of meta.k8s.io/v1: `Table` for `kubectl get`, `PartialObjectMetadata` for clients that need no more. */
import { apiVersionOf, type KindInfo, type KubeObject } from '../../api/index.js';
import type { Instant } from '../../kit/index.js';
import { printRows } from '../model.js';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface ListMeta {
  readonly resourceVersion?: string | undefined;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

const META_VERSION = 'meta.k8s.io/v1';

/** `headers: false` for all but the first event of a watch. */
export interface TableOptions {
  readonly now: Instant;
  readonly include: IncludeObject;
  readonly metadata: ListMeta;
  readonly headers: boolean;
}

export function tableOf(kind: KindInfo, objects: readonly KubeObject[], options: TableOptions): Readonly<Record<string, unknown>> {
  const table = printRows(kind, objects, options.now);
  return {
    kind: 'Table',
    apiVersion: META_VERSION,
    metadata: options.metadata,
    columnDefinitions: options.headers ? table.columns : [],
    rows: table.rows.map((row, at) => ({ ...row, ...shownObject(objects[at], options.include) })),
  };
}

function shownObject(object: KubeObject | undefined, include: IncludeObject): { readonly object?: unknown } {
  if (object === undefined || include === 'None') return {};
  return { object: include === 'Object' ? object : partialMetadata(object) };
}

export function partialMetadata(object: KubeObject): Readonly<Record<string, unknown>> {
  return { kind: 'PartialObjectMetadata', apiVersion: META_VERSION, metadata: object.metadata };
}

export function partialMetadataList(objects: readonly KubeObject[], metadata: ListMeta): Readonly<Record<string, unknown>> {
  return { kind: 'PartialObjectMetadataList', apiVersion: META_VERSION, metadata, items: objects.map(partialMetadata) };
}

export function listHead(kind: KindInfo, metadata: ListMeta): string {
  return `{"kind":"${kind.kind}List","apiVersion":"${apiVersionOf(kind)}","metadata":${JSON.stringify(metadata)},"items":[`;
}
