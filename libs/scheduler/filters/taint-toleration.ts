/** NoSchedule and NoExecute taints keep pods away that do not tolerate them. */
import type { FilterPlugin } from '../plugin.js';
import { untolerated } from '../tolerations.js';

export const taintToleration: FilterPlugin = {
  name: 'TaintToleration',
  preemptible: false,
  prepare(pod, snapshot) {
    if (snapshot.taintedNodes === 0) return undefined;
    return {
      check: (node) => node.taints.length === 0 || untolerated(pod.tolerations, node.taints) === undefined,
      explain(node) {
        const taint = untolerated(pod.tolerations, node.taints);
        return [`node(s) had untolerated taint {${taint?.key ?? ''}: ${taint?.value ?? ''}}`];
      },
    };
  },
};
