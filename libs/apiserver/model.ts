/** The one place where the pipeline meets the kind-specific rules of libs/api. */
import { printTable, type KindInfo, type KubeObject, type Table } from '../api/index.js';
import type { Instant } from '../kit/index.js';

export interface PrintedRows {
  readonly columns: Table['columnDefinitions'];
  readonly rows: Table['rows'];
}

/** Columns and rows of a table; what each row carries of its object is added by the caller. */
export function printRows(kind: KindInfo, objects: readonly KubeObject[], now: Instant): PrintedRows {
  const { columnDefinitions, rows } = printTable(kind, objects, { now, includeObject: 'None' });
  return { columns: columnDefinitions, rows };
}
