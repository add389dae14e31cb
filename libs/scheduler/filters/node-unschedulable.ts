/** Cordoned nodes take no new pods, unless the pod tolerates it. */
import type { FilterPlugin } from '../plugin.js';
import { tolerates } from '../tolerations.js';

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  preemptible: false,
  prepare(pod, snapshot) {
    if (snapshot.unschedulableNodes === 0 || pod.tolerations.some((each) => tolerates(each, taint))) return undefined;
    return { check: (node) => !node.isUnschedulable, explain: () => ['node(s) were unschedulable'] };
  },
};
