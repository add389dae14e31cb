/** The list forms of meta.k8s.io/v1 that are no tables, and the heads of lists. */
import { apiVersionOf, type KindInfo, type KubeObject } from '../../api/index.js';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface ListMeta {
  readonly resourceVersion?: string | undefined;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

const META_VERSION = 'meta.k8s.io/v1';

export function partialMetadata(object: KubeObject): Readonly<Record<string, unknown>> {
  return { kind: 'PartialObjectMetadata', apiVersion: META_VERSION, metadata: object.metadata };
}

export function partialMetadataList(objects: readonly KubeObject[], metadata: ListMeta): Readonly<Record<string, unknown>> {
  return { kind: 'PartialObjectMetadataList', apiVersion: META_VERSION, metadata, items: objects.map(partialMetadata) };
}

export function listHead(kind: KindInfo, metadata: ListMeta): string {
  return `{"kind":"${kind.kind}List","apiVersion":"${apiVersionOf(kind)}","metadata":${JSON.stringify(metadata)},"items":[`;
}
