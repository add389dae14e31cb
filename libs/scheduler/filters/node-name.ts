/** A pod that names its node goes there or nowhere. (Daemon pods name it by a field term, which NodeAffinity reads.) */
import type { FilterPlugin } from '../plugin.js';

export const nodeName: FilterPlugin = {
  name: 'NodeName',
  preemptible: false,
  prepare(pod) {
    const name = pod.pod.spec?.nodeName ?? '';
    if (name === '') return undefined;
    return { check: (node) => node.name === name, explain: () => ["node(s) didn't match the requested node name"] };
  },
};
