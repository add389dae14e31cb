/** Models that client-node lacks: the metrics API of Kubernetes, and Berth's own API group. Same form as the generated ones. */
import type { Model, Property } from './models.js';

function list(item: string, plural: string): Model {
  return {
    doc: `${plural} is a list of ${item} objects.`,
    properties: {
      ...typeMeta,
      metadata: { type: 'V1ListMeta', doc: 'Standard list metadata.' },
      items: { type: `Array<V1${item}>`, required: true, doc: 'The objects.' },
    },
  };
}

const typeMeta: Record<string, Property> = {
  apiVersion: { type: 'string', doc: 'APIVersion names the versioned schema of this object.' },
  kind: { type: 'string', doc: 'Kind names the type of this object.' },
};
const objectMeta: Record<string, Property> = { ...typeMeta, metadata: { type: 'V1ObjectMeta', doc: 'Standard object metadata.' } };
const window: Record<string, Property> = {
  timestamp: { type: 'Date', format: 'date-time', required: true, doc: 'When the measured window ended.' },
  window: { type: 'string', required: true, doc: 'Length of the measured window, e.g. `15s`: usage is the mean over it.' },
};
const usage: Property = {
  type: '{ [key: string]: string; }',
  required: true,
  doc: 'Usage by resource name: `cpu` in cores, `memory` in bytes (working set), both as quantities.',
};

export const ownModels: Readonly<Record<string, Model>> = {
  V1ContainerMetrics: {
    doc: 'ContainerMetrics is the measured resource usage of one container.',
    properties: { name: { type: 'string', required: true, doc: 'Container name as in the pod spec.' }, usage },
  },
  V1PodMetrics: {
    doc: 'PodMetrics is the measured resource usage of one pod.',
    properties: {
      ...objectMeta,
      ...window,
      containers: { type: 'Array<V1ContainerMetrics>', required: true, doc: 'Usage of every container in the window.' },
    },
  },
  V1PodMetricsList: list('PodMetrics', 'PodMetricsList'),
  V1NodeMetrics: {
    doc: 'NodeMetrics is the measured resource usage of one node.',
    properties: { ...objectMeta, ...window, usage },
  },
  V1NodeMetricsList: list('NodeMetrics', 'NodeMetricsList'),
  V1Operation: {
    doc: 'Operation is long, scheduled or user-visible work (a drain, a backup, an image build) that survives the process that started it.',
    properties: {
      ...objectMeta,
      spec: { type: 'V1OperationSpec', required: true, doc: 'What is to be done. Only cancel and attempt change after creation.' },
      status: { type: 'V1OperationStatus', doc: 'How far it is. Written by the operations role only.' },
    },
  },
  V1OperationSpec: {
    doc: 'OperationSpec says which work to do.',
    properties: {
      type: { type: 'string', required: true, doc: 'Name of the work, e.g. `DrainNode`, `Backup`, `BuildImage`.' },
      parameters: { type: '{ [key: string]: string; }', doc: 'Arguments of the work; which ones exist depends on the type.' },
      cancel: { type: 'boolean', doc: 'Set to true to ask a pending or running operation to stop.' },
      attempt: { type: 'number', format: 'int32', doc: 'Raise it to run a failed or cancelled operation again. Defaults to 1.' },
    },
  },
  V1OperationStatus: {
    doc: 'OperationStatus reports the progress of an operation.',
    properties: {
      phase: { type: 'string', doc: 'Pending, Running, Succeeded, Failed or Cancelled.' },
      progress: { type: 'number', format: 'int32', doc: 'Per cent done, 0 to 100.' },
      message: { type: 'string', doc: 'What happens now, or why it failed.' },
      log: { type: 'Array<string>', doc: 'The newest lines of its log, oldest first.' },
      startTime: { type: 'Date', format: 'date-time', doc: 'When the first attempt started.' },
      completionTime: { type: 'Date', format: 'date-time', doc: 'When it reached its final phase.' },
      attempts: { type: 'number', format: 'int32', doc: 'How often it was started.' },
      attempt: { type: 'number', format: 'int32', doc: 'The spec.attempt that this status speaks of.' },
    },
  },
  V1OperationList: list('Operation', 'OperationList'),
};
