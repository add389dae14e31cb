/** ReplicationController: the replica set of old. Its selector is a plain map, all else is the same. */
import type { LabelSelector, ReplicaSet } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { TypedResource } from '../../reconciling/index.js';
import { replicaController } from '../replicaset/reconcile.js';
import type { StoredReplicaSet } from '../replicaset/reconcile.js';

export const replicationController = replicaController({
  name: 'replication-controller',
  kind: 'ReplicationController',
  resource: resources.replicationControllers as TypedResource<object> as TypedResource<ReplicaSet>, // decode: `read` makes the selector one
  read: asReplicaSet,
});

function asReplicaSet(stored: StoredReplicaSet): StoredReplicaSet {
  if (stored.spec === undefined) return stored;
  const matchLabels = stored.spec.selector as LabelSelector['matchLabels']; // decode: a plain map, defaulted from the template
  return { ...stored, spec: { ...stored.spec, selector: { matchLabels } } };
}
