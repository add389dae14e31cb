/** Host ports are taken once a node, protocol and address; 0.0.0.0 is every address. */
import type { HostPort } from '../model/pod-facts.js';
import type { FilterPlugin } from '../plugin.js';

function collide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');
}

export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  preemptible: true,
  prepare(pod) {
    const wanted = pod.hostPorts;
    if (wanted.length === 0) return undefined;
    return {
      check: (node) => !node.hostPorts.some((taken) => wanted.some((port) => collide(port, taken))),
      explain: () => ["node(s) didn't have free ports for the requested pod ports"],
    };
  },
};
