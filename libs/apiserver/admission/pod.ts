/** A pod as admission edits it. */
import type { KubeObject } from '../../api/index.js';
import { record, type Fields } from '../registry/object.js';

/** The pod with some fields of its spec replaced. */
export function withSpec(pod: KubeObject, fields: Fields): KubeObject {
  return { ...pod, spec: { ...record(pod['spec']), ...fields } };
}
