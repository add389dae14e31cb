/** The table of all built-in controllers: what runs on the leader. */
import type { Controller } from '../reconciling/index.js';
import { deploymentController } from './deployment/reconcile.js';
import { replicaSetController } from './replicaset/reconcile.js';

export interface ControllerOptions {
  /** PEM of the cluster CA, published as `kube-root-ca.crt` in every namespace. */
  readonly clusterCa: string;
}

export function builtinControllers(_options: ControllerOptions): readonly Controller[] {
  return [deploymentController, replicaSetController];
}
