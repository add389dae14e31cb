/** What one node is assigned, as a pure function of the cluster's state. The incremental index must always agree with it. */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/index.js';
import type { AssignedResource, ResourceKind } from './messages.js';
import type { GatewayView, ViewedObject } from './ports.js';
import {
  claimOfVolume,
  isFolderOf,
  parseResourceId,
  prefixOf,
  resourceId,
  resourcesUsedBy,
  SHARED_KINDS,
  volumeOfClaim,
} from './resources.js';
import type { ResourceId } from './resources.js';

/**
 * Everything that the agent of `node` may see: its pods (terminating ones included, so that the agent can end them), what they
 * use, all Services and EndpointSlices, and every node reduced to what routing needs.
 */
export function assignmentFor(view: GatewayView, node: string): readonly AssignedResource[] {
  const pods = view.list(prefixOf('pod')).filter((pod) => nodeOf(decodePod(pod)) === node);
  const used = new Set(pods.flatMap((pod) => [...resourcesUsedBy(decodePod(pod))]));
  for (const id of volumesFor(view, node, used)) used.add(id);
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

/** Volumes bound to claims that are used (each names the other), and folders of the node. */
function volumesFor(view: GatewayView, node: string, used: ReadonlySet<ResourceId>): readonly ResourceId[] {
  const concerning = view.list(prefixOf('volume')).filter((object) => {
    const volume = decodeVolume(object);
    const claim = claimOfVolume(volume);
    const isClaimed = claim !== undefined && used.has(claim) && boundVolume(view, claim) === resourceId('volume', object.key);
    return isClaimed || isFolderOf(node, volume);
  });
  return concerning.map(({ key }) => resourceId('volume', key));
}

/** The volume behind a used resource, where that is a claim which is bound. */
export function boundVolume(view: GatewayView, id: ResourceId): ResourceId | undefined {
  const { kind, key } = parseResourceId(id);
  const claim = kind === 'volume-claim' ? view.get(prefixOf(kind), key) : undefined;
  return claim === undefined ? undefined : volumeOfClaim(decodeClaim(claim));
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

export function decodeClaim(viewed: ViewedObject): PersistentVolumeClaim {
  return viewed.object as unknown as PersistentVolumeClaim; // decode: as above
}

export function decodeVolume(viewed: ViewedObject): PersistentVolume {
  return viewed.object as unknown as PersistentVolume; // decode: as above
}
