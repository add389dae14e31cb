/** Kubernetes' NamespaceLifecycle: no new content in a namespace that is missing or going away; three namespaces stay. */
import { storeKey, StatusError } from '../../api/index.js';
import { isBeingDeleted } from '../registry/object.js';
import { forbidden, notFound } from '../status.js';
import type { AdmissionRule } from './admit.js';

const NAMESPACES = { group: '', resource: 'namespaces' };
const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

export const namespaceLifecycle: AdmissionRule = {
  name: 'NamespaceLifecycle',
  actions: ['CREATE'],
  subresources: ['', 'binding', 'eviction', 'token'],
  admit: (context, operation, { object }) => {
    const { kind, namespace } = operation;
    if (!kind.namespaced || namespace === undefined) return object;
    const home = context.cache.get(storeKey(NAMESPACES, undefined, namespace))?.object;
    if (home === undefined) throw notFound(NAMESPACES, namespace);
    if (isBeingDeleted(home)) throw beingTerminated(forbidden(kind, object?.metadata.name ?? '', terminatingText(namespace)), namespace);
    return object;
  },
};

function terminatingText(namespace: string): string {
  return `unable to create new content in namespace ${namespace} because it is being terminated`;
}

function beingTerminated(error: StatusError, namespace: string): StatusError {
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
  return new StatusError('Forbidden', error.message, { ...error.status.details, causes: [cause] });
}

export const protectSystemNamespaces: AdmissionRule = {
  name: 'NamespaceLifecycle',
  actions: ['DELETE'],
  resources: ['/namespaces'],
  admit: (_context, operation, { object, old }) => {
    const name = old?.metadata.name ?? '';
    if (IMMORTAL.has(name)) throw forbidden(operation.kind, name, 'this namespace may not be deleted');
    return object;
  },
};
