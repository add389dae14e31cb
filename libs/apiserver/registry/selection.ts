/** Label and field selectors of a query, as one predicate. */
import {
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  requiredFieldValue,
  type KindInfo,
  type KubeObject,
} from '../../api/index.js';

export interface Selection {
  /** True where nothing is filtered: texts can be sent without parsing them. */
  readonly isEverything: boolean;
  /** Set where the selection can match only the object of this name. */
  readonly name: string | undefined;
  matches(object: KubeObject): boolean;
}

/** Throws BadRequest for selectors that Kubernetes refuses. */
export function selectionOf(kind: KindInfo, query: ReadonlyMap<string, readonly string[]>): Selection {
  const labelText = query.get('labelSelector')?.[0] ?? '';
  const fieldText = query.get('fieldSelector')?.[0] ?? '';
  const labels = labelText === '' ? [] : parseLabelSelector(labelText);
  const fields = fieldText === '' ? [] : parseFieldSelector(kind, fieldText);
  return {
    isEverything: labels.length === 0 && fields.length === 0,
    name: requiredFieldValue(fields, 'metadata.name'),
    matches: (object) => matchesLabels(labels, object.metadata.labels) && matchesFields(kind, fields, object),
  };
}
