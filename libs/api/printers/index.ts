/** Server-side tables (`meta.k8s.io/v1 Table`): the columns and cells that kubectl shows. The entry is `printTable`. */
import type { Instant } from '../../kit/index.js';
import type { KindInfo } from '../kinds.js';
import type { KubeObject } from '../object.js';
import * as access from './access.js';
import { horizontalPodAutoscalerPrinter, horizontalPodAutoscalerV1Printer } from './autoscaling.js';
import * as cluster from './cluster.js';
import { podPrinter } from './pod.js';
import type { Cell, Column, Printer, RowCondition } from './printer.js';
import * as service from './service.js';
import * as storage from './storage.js';
import * as workloads from './workloads.js';

export { ageOf, humanDuration } from './human-duration.js';
export { podStatusText } from './pod.js';
export type { Cell, Column, RowCondition } from './printer.js';

/** `PartialObjectMetadata` by default; kubectl asks for the whole object where it sorts or selects columns by path. */
export interface TableRow {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly RowCondition[];
  readonly object?: unknown;
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly columnDefinitions: readonly Column[];
  readonly rows: readonly TableRow[];
}

export interface TableOptions {
  readonly now: Instant;
  /** False leaves out the columns of wide tables. A client that gets them hides them itself, so they are there by default. */
  readonly wide?: boolean;
  /** What each row carries of its object: the query parameter `includeObject`. */
  readonly includeObject?: 'None' | 'Metadata' | 'Object';
  /** The list's metadata, e.g. its resourceVersion. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const printers: ReadonlyMap<string, Printer> = new Map<string, Printer>([
  ['/Pod', podPrinter],
  ['/PodTemplate', workloads.podTemplatePrinter],
  ['/ReplicationController', workloads.replicationControllerPrinter],
  ['apps/Deployment', workloads.deploymentPrinter],
  ['apps/ReplicaSet', workloads.replicaSetPrinter],
  ['apps/StatefulSet', workloads.statefulSetPrinter],
  ['apps/DaemonSet', workloads.daemonSetPrinter],
  ['apps/ControllerRevision', workloads.controllerRevisionPrinter],
  ['batch/Job', workloads.jobPrinter],
  ['batch/CronJob', workloads.cronJobPrinter],
  ['/Service', service.servicePrinter],
  ['/Endpoints', service.endpointsPrinter],
  ['discovery.k8s.io/EndpointSlice', service.endpointSlicePrinter],
  ['networking.k8s.io/Ingress', service.ingressPrinter],
  ['networking.k8s.io/IngressClass', service.ingressClassPrinter],
  ['networking.k8s.io/NetworkPolicy', service.networkPolicyPrinter],
  ['/Node', cluster.nodePrinter],
  ['/Namespace', cluster.namespacePrinter],
  ['/ConfigMap', cluster.configMapPrinter],
  ['/Secret', cluster.secretPrinter],
  ['/ServiceAccount', cluster.serviceAccountPrinter],
  ['/Event', cluster.eventPrinter],
  ['events.k8s.io/Event', cluster.newerEventPrinter],
  ['/ResourceQuota', cluster.resourceQuotaPrinter],
  ['coordination.k8s.io/Lease', cluster.leasePrinter],
  ['scheduling.k8s.io/PriorityClass', cluster.priorityClassPrinter],
  ['policy/PodDisruptionBudget', cluster.podDisruptionBudgetPrinter],
  ['node.k8s.io/RuntimeClass', cluster.runtimeClassPrinter],
  ['berth.dev/Operation', cluster.operationPrinter],
  ['autoscaling/HorizontalPodAutoscaler', horizontalPodAutoscalerPrinter],
  ['autoscaling/v1/HorizontalPodAutoscaler', horizontalPodAutoscalerV1Printer],
  ['/PersistentVolume', storage.persistentVolumePrinter],
  ['/PersistentVolumeClaim', storage.persistentVolumeClaimPrinter],
  ['storage.k8s.io/StorageClass', storage.storageClassPrinter],
  ['storage.k8s.io/VolumeAttachment', storage.volumeAttachmentPrinter],
  ['storage.k8s.io/VolumeAttributesClass', storage.volumeAttributesClassPrinter],
  ['storage.k8s.io/CSINode', storage.csiNodePrinter],
  ['storage.k8s.io/CSIDriver', storage.csiDriverPrinter],
  ['rbac.authorization.k8s.io/RoleBinding', access.bindingPrinter],
  ['rbac.authorization.k8s.io/ClusterRoleBinding', access.bindingPrinter],
  ['admissionregistration.k8s.io/MutatingWebhookConfiguration', access.webhooksPrinter],
  ['admissionregistration.k8s.io/ValidatingWebhookConfiguration', access.webhooksPrinter],
  ['apiregistration.k8s.io/APIService', access.apiServicePrinter],
  ['certificates.k8s.io/CertificateSigningRequest', access.certificateRequestPrinter],
]);

function printerOf(kind: Pick<KindInfo, 'group' | 'version' | 'kind'>): Printer {
  const { group, version } = kind;
  return printers.get(`${group}/${version}/${kind.kind}`) ?? printers.get(`${group}/${kind.kind}`) ?? access.createdPrinter;
}

/** The table of some objects of one kind, in their order. Kinds without columns of their own show name and creation time. */
export function printTable(kind: KindInfo, objects: readonly KubeObject[], options: TableOptions): Table {
  const found = printerOf(kind);
  const shown = options.wide === false ? found.columns.map((column) => column.priority === 0) : undefined;
  const pick = <T>(list: readonly T[]): readonly T[] => (shown === undefined ? list : list.filter((_, index) => shown[index] === true));
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata ?? {},
    columnDefinitions: pick(found.columns),
    rows: objects.map((object) => ({
      cells: pick(found.cells(object, options.now)),
      ...rowConditions(found, object),
      ...included(object, options.includeObject ?? 'Metadata'),
    })),
  };
}

function rowConditions(found: Printer, object: KubeObject): Pick<TableRow, 'conditions'> {
  const conditions = found.conditions?.(object) ?? [];
  return conditions.length === 0 ? {} : { conditions };
}

function included(object: KubeObject, what: NonNullable<TableOptions['includeObject']>): Pick<TableRow, 'object'> {
  if (what === 'None') return {};
  if (what === 'Object') return { object };
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } };
}
