/** Every namespace has a `default` service account, and a config map with the cluster's CA for the pods in it. */
import { resources } from '../../reconciling/index.js';
import type { Controller } from '../../reconciling/index.js';
import { isTerminating } from '../workload/pod-facts.js';

export const ROOT_CA_NAME = 'kube-root-ca.crt';

export const serviceAccountController: Controller = {
  name: 'serviceaccount-controller',
  watches: [
    { resource: resources.namespaces, keys: (namespace) => [namespace.metadata.name ?? ''] },
    {
      resource: resources.serviceAccounts,
      keys: (account) => (account.metadata.name === 'default' ? [account.metadata.namespace ?? ''] : []),
    },
  ],
  reconcile(view, key) {
    const namespace = view.get(resources.namespaces, undefined, key);
    if (namespace === undefined || isTerminating(namespace)) return { actions: [] };
    if (view.get(resources.serviceAccounts, key, 'default') !== undefined) return { actions: [] };
    const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: key } };
    return { actions: [{ do: 'create', resource: resources.serviceAccounts, object }] };
  },
};

/** Keeps `kube-root-ca.crt` as it must be: users who edit it get it back. */
export function rootCaController(clusterCa: string): Controller {
  const data = { 'ca.crt': clusterCa };
  return {
    name: 'root-ca-certificate-publisher-controller',
    watches: [
      { resource: resources.namespaces, keys: (namespace) => [namespace.metadata.name ?? ''] },
      { resource: resources.configMaps, keys: (map) => (map.metadata.name === ROOT_CA_NAME ? [map.metadata.namespace ?? ''] : []) },
    ],
    reconcile(view, key) {
      const namespace = view.get(resources.namespaces, undefined, key);
      if (namespace === undefined || isTerminating(namespace)) return { actions: [] };
      const before = view.get(resources.configMaps, key, ROOT_CA_NAME);
      if (before === undefined) {
        const annotations = {
          'kubernetes.io/description':
            'Contains a CA bundle that can be used to verify the API server when it is reached by its internal names or by the address of the kubernetes service.',
        };
        const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ROOT_CA_NAME, namespace: key, annotations }, data };
        return { actions: [{ do: 'create', resource: resources.configMaps, object }] };
      }
      if (JSON.stringify(before.data) === JSON.stringify(data)) return { actions: [] };
      return { actions: [{ do: 'update', resource: resources.configMaps, object: { ...before, data } }] };
    },
  };
}
