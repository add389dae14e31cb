/** Kubernetes' Priority admission: a pod's class becomes the number that the scheduler compares. */
import { storeKey, storePrefix, type KubeObject } from '../../api/index.js';
import { integer, record, text } from '../registry/object.js';
import type { ApiContext } from '../registry/context.js';
import { forbidden } from '../status.js';
import type { AdmissionRule } from './admit.js';
import { withSpec } from './pod.js';

const CLASSES = { group: 'scheduling.k8s.io', resource: 'priorityclasses' };

export const podPriority: AdmissionRule = {
  name: 'Priority',
  actions: ['CREATE'],
  resources: ['/pods'],
  admit: (context, operation, { object: pod }) => {
    if (pod === undefined) return pod;
    const name = text(record(pod['spec'])['priorityClassName']) ?? '';
    const chosen = name === '' ? globalDefault(context) : classNamed(context, name);
    if (name !== '' && chosen === undefined) {
      throw forbidden(operation.kind, pod.metadata.name ?? '', `no PriorityClass with name ${name} was found`);
    }
    return withSpec(pod, {
      ...(chosen === undefined ? {} : { priorityClassName: chosen.metadata.name }),
      priority: integer(chosen?.['value']) ?? 0,
      preemptionPolicy: text(chosen?.['preemptionPolicy']) ?? 'PreemptLowerPriority',
    });
  },
};

function classNamed(context: ApiContext, name: string): KubeObject | undefined {
  return context.cache.get(storeKey(CLASSES, undefined, name))?.object;
}

/** Of several global defaults the lowest counts, as Kubernetes documents. */
function globalDefault(context: ApiContext): KubeObject | undefined {
  const defaults = context.cache.list(storePrefix(CLASSES)).filter(({ object }) => object['globalDefault'] === true);
  return defaults.map(({ object }) => object).sort((a, b) => (integer(a['value']) ?? 0) - (integer(b['value']) ?? 0))[0];
}
