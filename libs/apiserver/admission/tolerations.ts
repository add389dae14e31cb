/** Kubernetes' DefaultTolerationSeconds: how long a pod stays bound to a node that went away. */
import { record, records, text, type Fields } from '../registry/object.js';
import type { AdmissionRule } from './admit.js';
import { withSpec } from './pod.js';

const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export const defaultTolerations: AdmissionRule = {
  name: 'DefaultTolerationSeconds',
  actions: ['CREATE'],
  resources: ['/pods'],
  admit: (context, _operation, { object: pod }) => {
    if (pod === undefined) return pod;
    const own = records(record(pod['spec'])['tolerations']);
    const missing = KEYS.filter((key) => !own.some((toleration) => covers(toleration, key)));
    if (missing.length === 0) return pod;
    const seconds = context.settings.defaultTolerationSeconds;
    const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }));
    return withSpec(pod, { tolerations: [...own, ...added] });
  },
};

function covers(toleration: Fields, key: string): boolean {
  const ownKey = text(toleration['key']) ?? '';
  const effect = text(toleration['effect']) ?? '';
  return (ownKey === key || ownKey === '') && (effect === 'NoExecute' || effect === '');
}
