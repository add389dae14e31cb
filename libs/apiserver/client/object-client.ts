/** The pipeline without HTTP, authentication and authorization: how controllers, scheduler and gateway of this process write. */
import {
  applyDefaults,
  findByKind,
  findByResource,
  type GroupResource,
  type KindInfo,
  type KubeObject,
  type Pod,
  type Stored,
} from '../../api/index.js';
import type { ObjectClient } from '../../reconciling/index.js';
import type { Api } from '../pipeline.js';
import type { UserInfo } from '../ports.js';
import { createObject } from '../registry/create.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { deleteObject } from '../registry/delete.js';
import { updateObject } from '../registry/update.js';
import { storageKind, toStorage } from '../registry/versions.js';
import { unknownPath } from '../status.js';
import { evict } from '../subresources/eviction.js';
import { assignNode } from '../subresources/binding.js';

/** Writes as `user` (`system:kube-controller-manager`, `system:kube-scheduler`, ...). Every write runs admission and validation. */
export function createObjectClient(api: Pick<Api, 'context'>, user: UserInfo): ObjectClient {
  const { context } = api;
  return {
    create: async (resource, object) => {
      const kind = kindOf(resource, object);
      return (await createObject(context, operation(kind, object.metadata.namespace, user), stored(kind, object))).object;
    },
    update: (resource, object) => replaceObject(context, resource, object, { user, subresource: undefined }),
    updateStatus: (resource, object) => replaceObject(context, resource, object, { user, subresource: 'status' }),
    finalize: (resource, object) => replaceObject(context, resource, object, { user, subresource: 'finalize' }),
    delete: async (ref, options = {}) => {
      const kind = kindOf(ref);
      const deleted = await deleteObject(context, operation(kind, ref.namespace, user), ref.name, {
        uid: options.uid,
        propagationPolicy: options.propagation,
        gracePeriodSeconds: options.gracePeriodSeconds,
      });
      return deleted.object.object;
    },
    bind: async (namespace, pod, uid, node) => {
      const kind = kindOf({ group: '', resource: 'pods' });
      return (await assignNode(context, operation(kind, namespace, user), { pod, uid, node })).object;
    },
  };
}

/** Evicts as `user`: a deletion that PodDisruptionBudgets may refuse (StatusError TooManyRequests). */
export function createEvictor(
  { context }: Pick<Api, 'context'>,
  user: UserInfo,
): (pod: Stored<Pod>, gracePeriodSeconds: number | undefined) => Promise<void> {
  return async ({ metadata }, gracePeriodSeconds) => {
    const evicting = { ...operation(kindOf({ group: '', resource: 'pods' }), metadata.namespace, user), subresource: 'eviction' };
    await evict(context, evicting, metadata.name, { uid: metadata.uid, gracePeriodSeconds });
  };
}

async function replaceObject(
  context: ApiContext,
  resource: GroupResource,
  object: KubeObject,
  { user, subresource }: { readonly user: UserInfo; readonly subresource: string | undefined },
): Promise<KubeObject> {
  const kind = kindOf(resource, object);
  const wanted = stored(kind, object);
  const changing = { ...operation(kind, object.metadata.namespace, user), subresource };
  const { resourceVersion, uid } = wanted.metadata;
  // A status writer of this process states its object's identity and status; labels and annotations are not its business.
  const statusOf = (live: KubeObject): KubeObject => ({
    ...live,
    metadata: { ...live.metadata, resourceVersion: resourceVersion ?? '', uid: uid ?? '' },
    status: wanted['status'],
  });
  return (await updateObject(context, changing, object.metadata.name ?? '', (live) => (subresource === 'status' ? statusOf(live) : wanted)))
    .object;
}

function operation(kind: KindInfo, namespace: string | undefined, user: UserInfo): Operation {
  return {
    kind: storageKind(kind),
    namespace: kind.namespaced ? namespace : undefined,
    user,
    dryRun: false,
    fieldManager: user.name,
    isInternal: true,
  };
}

function kindOf(resource: GroupResource, object?: KubeObject): KindInfo {
  const named = object === undefined ? undefined : findByKind(object.apiVersion, object.kind);
  const kind = named?.resource === resource.resource ? named : findByResource(resource);
  if (kind === undefined) throw unknownPath();
  return kind;
}

function stored(kind: KindInfo, object: KubeObject): KubeObject {
  return toStorage(kind, applyDefaults(kind, object));
}
