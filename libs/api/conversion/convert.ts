/** Conversion between the served versions of a kind. Few kinds have two; each pair is one row. */
import { StatusError } from '../errors.js';
import { apiVersionOf } from '../kinds.js';
import type { KubeObject } from '../object.js';
import { autoscalerToV1, autoscalerToV2 } from './autoscaling.js';
import { eventFromCore, eventToCore } from './events.js';

/** `Kind from to`. */
const conversions: Readonly<Record<string, (object: KubeObject) => KubeObject>> = {
  'HorizontalPodAutoscaler autoscaling/v1 autoscaling/v2': autoscalerToV2,
  'HorizontalPodAutoscaler autoscaling/v2 autoscaling/v1': autoscalerToV1,
  'Event v1 events.k8s.io/v1': eventFromCore,
  'Event events.k8s.io/v1 v1': eventToCore,
};

/** The object in another version of its kind; the same object where it has that version already. Throws StatusError (InternalError) where no conversion exists. */
export function convertObject(object: KubeObject, to: { readonly group: string; readonly version: string }): KubeObject {
  const wanted = apiVersionOf(to);
  if (object.apiVersion === wanted) return object;
  const convert = conversions[`${object.kind} ${object.apiVersion} ${wanted}`];
  if (convert === undefined)
    throw new StatusError('InternalError', `no conversion of ${object.kind} from ${object.apiVersion} to ${wanted}`);
  return convert(object);
}
