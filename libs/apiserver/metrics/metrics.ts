/** `metrics.k8s.io`: the newest usage of nodes and pods, as `kubectl top` and the autoscaler read it. */
import { apiVersionOf, matchesLabels, parseLabelSelector, storeKey, storePrefix, type KubeObject } from '../../api/index.js';
import { formatTime, instant } from '../../kit/index.js';
import type { Api } from '../pipeline.js';
import type { ApiResponse, ContainerUsage } from '../ports.js';
import { methodNotAllowed, notFound } from '../status.js';
import { data, formOf } from '../serve/respond.js';
import { queryText } from '../serve/query.js';
import type { ResourceRequest } from '../serve/write-request.js';

export function serveMetrics(api: Api, resource: ResourceRequest): ApiResponse {
  const { request, info, kind } = resource;
  const form = formOf(request, api.context.clock.now());
  const items = kind.resource === 'nodes' ? nodeMetrics(api) : podMetrics(api, info.namespace);
  if (info.verb === 'get') {
    const found = items.find((item) => item.metadata.name === info.name);
    if (found === undefined) throw notFound(kind, info.name ?? '');
    return data(found, form);
  }
  if (info.verb !== 'list') throw methodNotAllowed();
  const selector = parseLabelSelector(queryText(request.query, 'labelSelector'));
  const shown = items.filter((item) => matchesLabels(selector, item.metadata.labels));
  return data({ kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata: {}, items: shown }, form);
}

const API_VERSION = 'metrics.k8s.io/v1beta1';

function nodeMetrics(api: Api): readonly KubeObject[] {
  return api.usage.nodes().map(({ name, at, windowMs, cpuCores, memoryBytes }) => ({
    kind: 'NodeMetrics',
    apiVersion: API_VERSION,
    metadata: metadataOf(api.context.cache.get(storeKey({ group: '', resource: 'nodes' }, undefined, name))?.object, { name }, at),
    timestamp: formatTime(instant(at)),
    window: duration(windowMs),
    usage: amounts({ name, cpuCores, memoryBytes }),
  }));
}

function podMetrics(api: Api, namespace: string | undefined): readonly KubeObject[] {
  const pods = storePrefix({ group: '', resource: 'pods' });
  return api.usage.pods(namespace).map((pod) => ({
    kind: 'PodMetrics',
    apiVersion: API_VERSION,
    metadata: metadataOf(
      api.context.cache.get(`${pods}${pod.namespace}/${pod.name}`)?.object,
      { name: pod.name, namespace: pod.namespace },
      pod.at,
    ),
    timestamp: formatTime(instant(pod.at)),
    window: duration(pod.windowMs),
    containers: pod.containers.map((container) => ({ name: container.name, usage: amounts(container) })),
  }));
}

function metadataOf(
  object: KubeObject | undefined,
  name: { readonly name: string; readonly namespace?: string },
  at: number,
): KubeObject['metadata'] {
  const labels = object?.metadata.labels;
  return { ...name, creationTimestamp: formatTime(instant(at)), ...(labels === undefined ? {} : { labels }) };
}

/** Nanocores and kibibytes, the units that metrics-server reports in. */
function amounts(usage: ContainerUsage): Readonly<Record<string, string>> {
  return { cpu: `${Math.round(usage.cpuCores * 1e9)}n`, memory: `${Math.round(usage.memoryBytes / 1024)}Ki` };
}

function duration(ms: number): string {
  return `${(ms / 1000).toFixed(3).replace(/\.?0+$/, '')}s`;
}
