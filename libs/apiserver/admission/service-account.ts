/**
 * Kubernetes' ServiceAccount admission: every pod has an account (`default`), and each container finds the account's
 * token, the cluster's CA and its namespace under the well-known path.
 */
import { storeKey, type KubeObject } from '../../api/index.js';
import { record, records, text, type Fields } from '../registry/object.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { forbidden } from '../status.js';
import type { AdmissionRule } from './admit.js';
import { withSpec } from './pod.js';

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** An hour and seven seconds, as in Kubernetes: recognisable in logs as an injected token. */
const TOKEN_SECONDS = 3607;

export const serviceAccount: AdmissionRule = {
  name: 'ServiceAccount',
  actions: ['CREATE'],
  resources: ['/pods'],
  admit: (context, operation, { object: pod }) => {
    if (pod === undefined || pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return pod;
    const spec = record(pod['spec']);
    const name = text(spec['serviceAccountName']) || text(spec['serviceAccount']) || 'default';
    const account = context.cache.get(storeKey({ group: '', resource: 'serviceaccounts' }, operation.namespace, name))?.object;
    // The controller that makes `default` may be a moment behind the namespace; a pod of that account does not depend on it.
    if (account === undefined && name !== 'default') throw missing(operation, pod, name);
    const named = withSpec(pod, { serviceAccountName: name, serviceAccount: name, ...pullSecrets(spec, account) });
    return wantsToken(spec, account) ? withToken(context, named) : named;
  },
};

function missing(operation: Operation, pod: KubeObject, name: string): Error {
  return forbidden(
    operation.kind,
    pod.metadata.name ?? '',
    `error looking up service account ${operation.namespace}/${name}: serviceaccount "${name}" not found`,
  );
}

function pullSecrets(spec: Fields, account: KubeObject | undefined): Fields {
  const own = records(spec['imagePullSecrets']);
  const fromAccount = records(account?.['imagePullSecrets']);
  return own.length > 0 || fromAccount.length === 0 ? {} : { imagePullSecrets: fromAccount };
}

function wantsToken(spec: Fields, account: KubeObject | undefined): boolean {
  const wish = spec['automountServiceAccountToken'] ?? account?.['automountServiceAccountToken'];
  return wish !== false;
}

function withToken(context: ApiContext, pod: KubeObject): KubeObject {
  const spec = record(pod['spec']);
  const existing = records(spec['volumes']).find((volume) => (text(volume['name']) ?? '').startsWith(VOLUME_PREFIX));
  const volume = text(existing?.['name']) ?? VOLUME_PREFIX + context.ids.suffix(5);
  const mounted = (field: string): Fields => {
    const containers = records(spec[field]);
    return containers.length === 0 ? {} : { [field]: containers.map((container) => withMount(container, volume)) };
  };
  const containers = { ...mounted('initContainers'), ...mounted('containers') };
  const isUsed = [...records(containers['containers']), ...records(containers['initContainers'])].some((container) =>
    records(container['volumeMounts']).some((mount) => mount['name'] === volume),
  );
  if (!isUsed || existing !== undefined) return withSpec(pod, containers);
  return withSpec(pod, { ...containers, volumes: [...records(spec['volumes']), tokenVolume(volume)] });
}

function withMount(container: Fields, volume: string): Fields {
  const mounts = records(container['volumeMounts']);
  if (mounts.some((mount) => mount['mountPath'] === MOUNT_PATH)) return container;
  return { ...container, volumeMounts: [...mounts, { name: volume, readOnly: true, mountPath: MOUNT_PATH }] };
}

function tokenVolume(name: string): Fields {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode: 0o644,
    },
  };
}
