/** Objects that every cluster has from its first moment: made where missing, never overwritten. */
import type { KubeObject } from '../../api/index.js';
import { findByKind, StatusError, storeKey } from '../../api/index.js';
import type { ApiContext } from '../registry/context.js';
import { createObjectClient } from '../client/object-client.js';
import { bootstrapBindings, bootstrapRoles } from './rbac.js';
import { endpointObjects, namespaceObjects, priorityClassObjects, serviceObjects, storageClassObjects } from './objects.js';

const BOOTSTRAP_USER = { name: 'system:apiserver', groups: ['system:masters'] };

/** Idempotent: run at each start, on every replica. Throws StatusError where the store refuses. */
export async function ensureBootstrapObjects(context: ApiContext): Promise<void> {
  const client = createObjectClient({ context }, BOOTSTRAP_USER);
  const ensure = async (object: KubeObject): Promise<void> => {
    const kind = findByKind(object.apiVersion, object.kind);
    if (kind === undefined) throw new Error(`bootstrap object of an unknown kind: ${object.apiVersion} ${object.kind}`);
    // Looked up first: creating a Service again would be refused for its address, not for its name.
    if (context.cache.get(storeKey(kind, object.metadata.namespace, object.metadata.name ?? '')) !== undefined) return;
    try {
      await client.create(kind, object);
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error;
    }
  };
  const { settings } = context;
  await Promise.all(namespaceObjects().map(ensure));
  await Promise.all([...bootstrapRoles, ...bootstrapBindings, ...priorityClassObjects(), ...storageClassObjects()].map(ensure));
  await Promise.all(serviceObjects(settings).map(ensure));
  for (const object of endpointObjects(settings)) await replaceIfDifferent(context, object);
}

/** The control plane's own address may have changed since the last start. */
async function replaceIfDifferent(context: ApiContext, object: KubeObject): Promise<void> {
  const client = createObjectClient({ context }, BOOTSTRAP_USER);
  const kind = findByKind(object.apiVersion, object.kind);
  if (kind === undefined) throw new Error(`bootstrap object of an unknown kind: ${object.apiVersion} ${object.kind}`);
  try {
    await client.create(kind, object);
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error;
    await client.update(kind, object);
  }
}
