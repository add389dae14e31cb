/** The resources that controllers and scheduler read, with the types of their objects. */
import type {
  ConfigMap,
  CoreV1Event,
  CronJob,
  DaemonSet,
  Deployment,
  Endpoints,
  EndpointSlice,
  Job,
  Lease,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  PriorityClass,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Service,
  ServiceAccount,
  StatefulSet,
  V2HorizontalPodAutoscaler,
  ControllerRevision,
  CustomResourceDefinition,
} from '../api/index.js';
import type { TypedResource, WithMeta } from './plan.js';

function resource<T extends WithMeta>(group: string, name: string): TypedResource<T> {
  return { group, resource: name };
}

export const resources = {
  pods: resource<Pod>('', 'pods'),
  nodes: resource<Node>('', 'nodes'),
  namespaces: resource<Namespace>('', 'namespaces'),
  services: resource<Service>('', 'services'),
  endpoints: resource<Endpoints>('', 'endpoints'),
  configMaps: resource<ConfigMap>('', 'configmaps'),
  serviceAccounts: resource<ServiceAccount>('', 'serviceaccounts'),
  persistentVolumeClaims: resource<PersistentVolumeClaim>('', 'persistentvolumeclaims'),
  replicationControllers: resource<ReplicationController>('', 'replicationcontrollers'),
  resourceQuotas: resource<ResourceQuota>('', 'resourcequotas'),
  events: resource<CoreV1Event>('', 'events'),
  deployments: resource<Deployment>('apps', 'deployments'),
  replicaSets: resource<ReplicaSet>('apps', 'replicasets'),
  statefulSets: resource<StatefulSet>('apps', 'statefulsets'),
  daemonSets: resource<DaemonSet>('apps', 'daemonsets'),
  controllerRevisions: resource<ControllerRevision>('apps', 'controllerrevisions'),
  jobs: resource<Job>('batch', 'jobs'),
  cronJobs: resource<CronJob>('batch', 'cronjobs'),
  endpointSlices: resource<EndpointSlice>('discovery.k8s.io', 'endpointslices'),
  horizontalPodAutoscalers: resource<V2HorizontalPodAutoscaler>('autoscaling', 'horizontalpodautoscalers'),
  podDisruptionBudgets: resource<PodDisruptionBudget>('policy', 'poddisruptionbudgets'),
  leases: resource<Lease>('coordination.k8s.io', 'leases'),
  priorityClasses: resource<PriorityClass>('scheduling.k8s.io', 'priorityclasses'),
  customResourceDefinitions: resource<CustomResourceDefinition>('apiextensions.k8s.io', 'customresourcedefinitions'),
} as const;
