/** What one node is assigned, as a pure function of the cluster's state. The incremental index must always agree with it. */
import type { Node, Pod } from '../api/index.js';
import type { AssignedResource, ResourceKind } from './messages.js';
import type { GatewayView, ViewedObject } from './ports.js';
import { parseResourceId, prefixOf, resourcesUsedBy, SHARED_KINDS } from './resources.js';

/**
 * Everything that the agent of `node` may see: its pods (terminating ones included, so that the agent can end them), what they
 * use, all Services and EndpointSlices, and every node reduced to what routing needs.
 */
export function assignmentFor(view: GatewayView, node: string): readonly AssignedResource[] {
  const pods = view.list(prefixOf('pod')).filter((pod) => nodeOf(decodePod(pod)) === node);
  const used = new Set(pods.flatMap((pod) => [...resourcesUsedBy(decodePod(pod))]));
  const resources = pods.map((pod) => asResource('pod', pod));
  for (const id of used) {
    const { kind, key } = parseResourceId(id);
    const object = view.get(prefixOf(kind), key);
    if (object !== undefined) resources.push(asResource(kind, object));
  }
  for (const kind of SHARED_KINDS) {
    for (const object of view.list(prefixOf(kind))) resources.push(asResource(kind, object));
  }
  return resources;
}

export function asResource(kind: ResourceKind, viewed: ViewedObject): AssignedResource {
  return {
    kind,
    key: viewed.key,
    resourceVersion: viewed.object.metadata.resourceVersion ?? '',
    json: kind === 'node' ? reducedNode(viewed) : viewed.json,
  };
}

/** A peer as others see it; equal texts mean that nothing changed for them, however often its status was renewed. */
export function reducedNode(viewed: ViewedObject): string {
  const node = viewed.object as unknown as Node; // decode: stored under /registry/nodes/, so it passed the Node schema
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.metadata?.name, uid: node.metadata?.uid, labels: node.metadata?.labels },
    spec: { podCIDR: node.spec?.podCIDR },
    status: { addresses: node.status?.addresses },
  });
}

/** The node that a pod is bound to; pods that ended for good stay assigned until they are deleted. */
export function nodeOf(pod: Pod): string | undefined {
  return pod.spec?.nodeName === '' ? undefined : pod.spec?.nodeName;
}

export function decodePod(viewed: ViewedObject): Pod {
  return viewed.object as unknown as Pod; // decode: stored under /registry/pods/, so it passed the Pod schema
}
