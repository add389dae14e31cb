/** Deletes join tokens that have expired, as Kubernetes' tokencleaner does. */
import type { Secret } from '../../api/index.js';
import { decodeBase64, parseTime } from '../../kit/index.js';
import { resources } from '../../reconciling/index.js';
import type { Controller } from '../../reconciling/index.js';
import { keyOf, splitKey } from '../workload/ownership.js';

const TOKEN_NAMESPACE = 'kube-system';
const TOKEN_TYPE = 'bootstrap.kubernetes.io/token';

export const tokenCleaner: Controller = {
  name: 'tokencleaner',
  watches: [
    {
      resource: resources.secrets,
      keys: (secret) => (secret.metadata.namespace === TOKEN_NAMESPACE && secret['type'] === TOKEN_TYPE ? [keyOf(secret)] : []),
    },
  ],
  reconcile(view, key, { now }) {
    const { namespace, name } = splitKey(key);
    const secret = view.get(resources.secrets, namespace, name);
    const expires = secret === undefined ? undefined : expiryOf(secret);
    if (secret === undefined || expires === undefined) return { actions: [] };
    if (expires > now) return { actions: [], requeueAfterMs: expires - now + 1 };
    return { actions: [{ do: 'delete', ref: { ...resources.secrets, namespace, name }, uid: secret.metadata.uid }] };
  },
};

/** `undefined`: it never expires, or nobody can tell. */
function expiryOf(secret: Secret): number | undefined {
  return parseTime(decodeBase64(secret.data?.['expiration'] ?? ''));
}
