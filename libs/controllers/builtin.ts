/** The table of all built-in controllers: what runs on the leader. */
import type { UsageSource } from '../apiserver/index.js';
import { hpaController } from '../autoscaler/index.js';
import type { AutoscalerSettings } from '../autoscaler/index.js';
import type { Controller } from '../reconciling/index.js';
import { clusterRoleAggregationController } from './clusterrole/reconcile.js';
import { cronJobController } from './cronjob/reconcile.js';
import { daemonSetController } from './daemonset/reconcile.js';
import { deploymentController } from './deployment/reconcile.js';
import { disruptionController } from './disruption/reconcile.js';
import { endpointsController } from './endpoints/reconcile.js';
import { endpointSliceMirroringController } from './endpointslice/mirroring.js';
import { endpointSliceController } from './endpointslice/reconcile.js';
import { garbageCollector } from './garbage/reconcile.js';
import { jobController } from './job/reconcile.js';
import { namespaceController } from './namespace/reconcile.js';
import { nodeCidrController } from './node-cidr/reconcile.js';
import type { HealthSettings } from './node-lifecycle/health.js';
import { nodeLifecycleController } from './node-lifecycle/reconcile.js';
import { podGarbageController } from './pod-garbage/reconcile.js';
import { replicaSetController } from './replicaset/reconcile.js';
import { replicationController } from './replicationcontroller/reconcile.js';
import { resourceQuotaController } from './resourcequota/reconcile.js';
import { rootCaController, serviceAccountController } from './serviceaccount/reconcile.js';
import { statefulSetController } from './statefulset/reconcile.js';
import { tokenCleaner } from './token-cleaner/reconcile.js';
import { volumeBinder } from './volumes/binder.js';
import { ephemeralVolumeController } from './volumes/ephemeral.js';
import { claimProtection } from './volumes/protection.js';

export interface ControllerOptions {
  /** PEM of the cluster CA, published as `kube-root-ca.crt` in every namespace. */
  readonly clusterCa: string;
  /** Pod network of the cluster, default `10.244.0.0/16`; each node gets a subnet of `nodeMaskSize` bits, default 24. */
  readonly clusterCidr?: string | undefined;
  readonly nodeMaskSize?: number | undefined;
  /** When a silent node counts as lost. */
  readonly nodeHealth?: Partial<HealthSettings> | undefined;
  /** Where the autoscaler's samples come from; absent = no autoscaling. */
  readonly usage?: UsageSource | undefined;
  readonly autoscaler?: Partial<AutoscalerSettings> | undefined;
}

/** Fresh controllers (some remember what they have seen): one set a leadership. */
export function builtinControllers(options: ControllerOptions): readonly Controller[] {
  return [
    deploymentController,
    replicaSetController,
    replicationController,
    statefulSetController,
    daemonSetController,
    jobController,
    cronJobController,
    disruptionController,
    endpointSliceController,
    endpointSliceMirroringController,
    endpointsController,
    namespaceController,
    garbageCollector,
    nodeLifecycleController(options.nodeHealth),
    nodeCidrController(options.clusterCidr ?? '10.244.0.0/16', options.nodeMaskSize ?? 24),
    podGarbageController,
    tokenCleaner,
    volumeBinder,
    claimProtection,
    ephemeralVolumeController,
    resourceQuotaController,
    clusterRoleAggregationController,
    serviceAccountController,
    rootCaController(options.clusterCa),
    ...(options.usage === undefined ? [] : [hpaController(options.usage, options.autoscaler)]),
  ];
}
