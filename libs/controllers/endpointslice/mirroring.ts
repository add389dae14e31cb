/** Endpoints that users write by hand for a Service without selector are mirrored into slices, which is what hosts read. */
import type { Endpoint, EndpointSubset, Endpoints, KubeObject, Stored } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { Controller, ObjectAction } from '../../reconciling/index.js';
import { selectsPods } from '../endpoints/pod-endpoints.js';
import { keyOf, splitKey } from '../workload/ownership.js';
import { isTerminating } from '../workload/pod-facts.js';
import { canonicalJson, controllerReference } from '../workload/pod-template.js';
import { MANAGED_BY_LABEL, SERVICE_NAME_LABEL } from './reconcile.js';

const MIRROR_MANAGER = 'endpointslicemirroring-controller.k8s.io';
const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror';

export const endpointSliceMirroringController: Controller = {
  name: 'endpointslicemirroring-controller',
  watches: [
    { resource: resources.endpoints, keys: (endpoints) => [keyOf(endpoints)] },
    { resource: resources.services, keys: (service) => [keyOf(service)] },
    { resource: resources.endpointSlices, keys: keysOfSlice },
  ],
  reconcile(view, key) {
    const { namespace, name } = splitKey(key);
    const endpoints = view.get(resources.endpoints, namespace, name);
    const service = view.get(resources.services, namespace, name);
    if (endpoints === undefined) return { actions: [] };
    const isMirrored = service !== undefined && !selectsPods(service) && !isSkipped(endpoints) && !isTerminating(endpoints);
    const wanted = isMirrored ? (endpoints.subsets ?? []).map((subset, index) => sliceOf(endpoints, subset, index)) : [];
    const existing = view
      .ownedOf(resources.endpointSlices, endpoints.metadata.uid)
      .filter((slice) => slice.metadata.labels?.[MANAGED_BY_LABEL] === MIRROR_MANAGER);
    const names = new Set(wanted.map((slice) => slice.metadata.name));
    const deletes = existing
      .filter((slice) => !names.has(slice.metadata.name) && !isTerminating(slice))
      .map(({ metadata }): ObjectAction => {
        return { do: 'delete', ref: { ...resources.endpointSlices, namespace, name: metadata.name }, uid: metadata.uid };
      });
    const puts = wanted.flatMap((slice): readonly ObjectAction[] => {
      const before = existing.find((each) => each.metadata.name === slice.metadata.name);
      if (before === undefined) return [{ do: 'create', resource: resources.endpointSlices, object: slice }];
      const object = { ...before, endpoints: slice['endpoints'], ports: slice['ports'] };
      return canonicalJson(object) === canonicalJson(before) ? [] : [{ do: 'update', resource: resources.endpointSlices, object }];
    });
    return { actions: [...deletes, ...puts] };
  },
};

function keysOfSlice(slice: KubeObject): readonly string[] {
  const service = slice.metadata.labels?.[SERVICE_NAME_LABEL];
  const isMirror = slice.metadata.labels?.[MANAGED_BY_LABEL] === MIRROR_MANAGER;
  return isMirror && service !== undefined ? [`${slice.metadata.namespace ?? ''}/${service}`] : [];
}

/** Leader election records of old clients are Endpoints too: not for mirroring. */
function isSkipped(endpoints: Stored<Endpoints>): boolean {
  const { labels, annotations } = endpoints.metadata;
  return labels?.[SKIP_LABEL] === 'true' || annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined;
}

function sliceOf(endpoints: Stored<Endpoints>, subset: EndpointSubset, index: number): KubeObject {
  const { name, namespace, labels } = endpoints.metadata;
  const mirror =
    (ready: boolean) =>
    (address: NonNullable<EndpointSubset['addresses']>[number]): Endpoint => ({
      addresses: [address.ip],
      conditions: { ready, serving: ready, terminating: false },
      ...(address.hostname === undefined ? {} : { hostname: address.hostname }),
      ...(address.nodeName === undefined ? {} : { nodeName: address.nodeName }),
      ...(address.targetRef === undefined ? {} : { targetRef: address.targetRef }),
    });
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-mirror-${index}`,
      namespace,
      labels: { ...labels, [SERVICE_NAME_LABEL]: name, [MANAGED_BY_LABEL]: MIRROR_MANAGER },
      ownerReferences: [controllerReference(endpoints)],
    },
    addressType: subset.addresses?.[0]?.ip.includes(':') === true ? 'IPv6' : 'IPv4',
    endpoints: [...(subset.addresses ?? []).map(mirror(true)), ...(subset.notReadyAddresses ?? []).map(mirror(false))],
    ports: (subset.ports ?? []).map((port) => ({ name: '', protocol: 'TCP', ...port })),
  };
}
