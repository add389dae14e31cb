/** `pods/log`: a container's output, as far as it goes or as it comes. */
import type { Api } from '../pipeline.js';
import type { ApiResponse, LogOptions } from '../ports.js';
import { queryFlag, queryNumber, queryText } from '../serve/query.js';
import { plain } from '../serve/respond.js';
import type { ResourceRequest } from '../serve/write-request.js';
import { badRequest, methodNotAllowed } from '../status.js';
import { containerOf, readPod } from './pod-target.js';

export async function servePodLog(api: Api, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info } = resource;
  if (info.verb !== 'get') throw methodNotAllowed();
  const pod = await readPod(api.context, resource);
  const options: LogOptions = {
    container: containerOf(pod, queryText(request.query, 'container')),
    follow: queryFlag(request.query, 'follow'),
    previous: queryFlag(request.query, 'previous'),
    timestamps: queryFlag(request.query, 'timestamps'),
    sinceSeconds: queryNumber(request.query, 'sinceSeconds'),
    sinceTime: queryText(request.query, 'sinceTime') || undefined,
    tailLines: queryNumber(request.query, 'tailLines'),
    limitBytes: queryNumber(request.query, 'limitBytes'),
  };
  if ((options.tailLines ?? 0) < 0) throw badRequest('tailLines: Invalid value: must be greater than or equal to 0');
  if ((pod.spec?.nodeName ?? '') === '') return plain(''); // Kubernetes answers with nothing for a pod without a node
  const chunks = api.nodes.logs(pod, options, request.signal);
  return {
    kind: 'stream',
    status: 200,
    headers: { 'Content-Type': 'text/plain' },
    chunks: options.follow ? chunks : await started(chunks),
  };
}

/** Waits for the first chunk (a followed log may have none for long), so that "no such container" is an answer of its own and not a broken stream. */
async function started(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  return rest(first, iterator);
}

async function* rest(first: IteratorResult<Uint8Array>, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}
