/** The one place where the pipeline meets the kind-specific rules of libs/api. */
import type { KindInfo, KubeObject } from '../api/index.js';
import type { Instant } from '../kit/index.js';

export interface PrintedRows {
  readonly columns: readonly Readonly<Record<string, unknown>>[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

export function printRows(_kind: KindInfo, objects: readonly KubeObject[], _now: Instant): PrintedRows {
  return {
    columns: [{ name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }],
    rows: objects.map((object) => ({ cells: [object.metadata.name] })),
  };
}
