/** Volumes that are bound hold a pod to their nodes; claims that wait for the pod's node must be satisfiable there. */
import { canBindOn, podVolumes, volumeFitsNode } from '../model/volumes.js';
import type { FilterPlugin, NodeFilter } from '../plugin.js';

const NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity";
const NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind";

export const volumeBinding: FilterPlugin = {
  name: 'VolumeBinding',
  preemptible: false,
  prepare(pod, snapshot): NodeFilter | undefined {
    const wanted = podVolumes(pod, snapshot.volumes);
    if (wanted === undefined) return undefined;
    if (wanted.kind === 'refused') return { check: () => false, explain: () => [wanted.reason], forPod: wanted.reason };
    const { bound, unbound } = wanted;
    return {
      check: ({ node }) =>
        bound.every((volume) => volumeFitsNode(volume, node)) && (unbound.length === 0 || canBindOn(unbound, node, snapshot.volumes)),
      explain: ({ node }) => [bound.every((volume) => volumeFitsNode(volume, node)) ? NOTHING_TO_BIND : NODE_CONFLICT],
    };
  },
};
