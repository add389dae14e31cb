export * from './deployment/reconcile.js';
export { isRollingUpdate, rolloutLimits } from './deployment/rollout.js';
export { replicaSetController, reconcileReplicaSet } from './replicaset/reconcile.js';
export { builtinControllers } from './builtin.js';
