/** `/metrics` of this process in Prometheus' text form: what was asked, how it was answered, what is stored. */
import { allKinds, apiVersionOf, findKind, storePrefix } from '../../api/index.js';
import type { ApiRequest } from '../ports.js';
import type { Api } from '../pipeline.js';
import { requestInfo } from '../request/request-info.js';

/** Upper bounds in seconds, as `apiserver_request_duration_seconds` has them at its lower end. */
const BUCKETS: readonly number[] = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60];
/** Beyond this many label sets (unknown paths are one), new ones are counted together. */
const SERIES_MAX = 2_000;
const LONG_RUNNING: ReadonlySet<string> = new Set(['WATCH', 'CONNECT']);

interface Series {
  readonly labels: string;
  readonly codes: Map<number, number>;
  readonly buckets: number[];
  sumMs: number;
  count: number;
}

/** Counts of answered requests by verb and resource. */
export class RequestCounts {
  readonly series = new Map<string, Series>();

  add(request: Pick<ApiRequest, 'method' | 'path' | 'query'>, status: number, durationMs: number): void {
    const labels = labelsOf(request);
    const series = this.#seriesOf(labels);
    series.codes.set(status, (series.codes.get(status) ?? 0) + 1);
    series.count++;
    series.sumMs += durationMs;
    const at = BUCKETS.findIndex((bound) => durationMs <= bound * 1000);
    if (at >= 0) series.buckets[at] = (series.buckets[at] ?? 0) + 1;
  }

  #seriesOf(labels: string): Series {
    const name = this.series.has(labels) || this.series.size < SERIES_MAX ? labels : 'verb="other"';
    const known = this.series.get(name);
    if (known !== undefined) return known;
    const fresh: Series = { labels: name, codes: new Map(), buckets: BUCKETS.map(() => 0), sumMs: 0, count: 0 };
    this.series.set(name, fresh);
    return fresh;
  }
}

function labelsOf(request: Pick<ApiRequest, 'method' | 'path' | 'query'>): string {
  try {
    const info = requestInfo(request);
    if (info.kind === 'path') return `verb="${info.verb.toUpperCase()}",group="",version="",resource=""`;
    const { group, version, resource, subresource } = info;
    if (findKind(info) === undefined) return 'verb="other"';
    const part = subresource === undefined ? '' : `,subresource="${subresource.replaceAll(/[^a-z]/g, '')}"`;
    return `verb="${verbLabel(info.verb, request.method)}",group="${group}",version="${version}",resource="${resource}"${part}`;
  } catch {
    return 'verb="other"';
  }
}

/** Kubernetes labels by HTTP method, but tells lists and watches from gets. */
function verbLabel(verb: string, method: string): string {
  if (verb === 'list' || verb === 'watch') return verb.toUpperCase();
  return verb === 'deletecollection' ? 'DELETECOLLECTION' : method.toUpperCase();
}

/** All metrics of the process as one text. */
export function metricsText({ context, requests }: Pick<Api, 'context' | 'requests'>): string {
  const all = [...requests.series.values()];
  const lines = [
    ...head('apiserver_request_total', 'counter', 'Answered requests by verb, resource and HTTP status.'),
    ...all.flatMap(({ labels, codes }) => [...codes].map(([code, count]) => `apiserver_request_total{code="${code}",${labels}} ${count}`)),
    ...head('apiserver_request_duration_seconds', 'histogram', 'Time until a request was answered; watches are left out.'),
    ...all.filter(({ labels }) => !isLongRunning(labels)).flatMap(histogram),
    ...head('apiserver_storage_objects', 'gauge', 'Stored objects by resource.'),
    ...storedObjects({ context }),
    ...head('apiserver_watch_cache_resource_version', 'gauge', 'The newest resourceVersion that reads can see.'),
    `apiserver_watch_cache_resource_version ${context.cache.revision}`,
  ];
  return `${lines.join('\n')}\n`;
}

function head(name: string, type: string, help: string): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function isLongRunning(labels: string): boolean {
  return LONG_RUNNING.has(/^verb="([A-Z]+)"/.exec(labels)?.[1] ?? '');
}

function histogram({ labels, buckets, sumMs, count }: Series): readonly string[] {
  let below = 0;
  const name = 'apiserver_request_duration_seconds';
  return [
    ...BUCKETS.map((bound, at) => `${name}_bucket{${labels},le="${bound}"} ${(below += buckets[at] ?? 0)}`),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sumMs / 1000}`,
    `${name}_count{${labels}} ${count}`,
  ];
}

function storedObjects({ context }: Pick<Api, 'context'>): readonly string[] {
  return allKinds()
    .filter((kind) => kind.stored && kind.storageVersion === kind.version && kind.storageGroup === kind.group)
    .map((kind) => {
      const group = kind.group === '' ? '' : apiVersionOf(kind).split('/')[0];
      return `apiserver_storage_objects{group="${group}",resource="${kind.resource}"} ${context.cache.list(storePrefix(kind)).length}`;
    });
}
