/** `pods/exec`, `attach` and `portforward`: checks the request and asks the transport to open the session. */
import type { Api } from '../pipeline.js';
import type { ApiRequest, ApiResponse } from '../ports.js';
import { queryFlag, queryText } from '../serve/query.js';
import type { ResourceRequest } from '../serve/write-request.js';
import { badRequest } from '../status.js';
import { containerOf, readPod, requireNode } from './pod-target.js';

export async function openSession(api: Api, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info } = resource;
  const { query } = request;
  if ((request.headers['upgrade'] ?? '') === '') throw badRequest('Upgrade request required');
  const pod = await readPod(api.context, resource);
  requireNode(pod);
  if (info.subresource === 'portforward') return { kind: 'upgrade', session: { verb: 'portforward', pod } };
  const container = containerOf(pod, queryText(query, 'container'));
  const streams = streamsOf(query);
  if (info.subresource === 'attach') return { kind: 'upgrade', session: { verb: 'attach', pod, container, ...streams } };
  const command = query.get('command') ?? [];
  if (command.length === 0) throw badRequest('you must specify at least one command for the container');
  return { kind: 'upgrade', session: { verb: 'exec', pod, container, command, ...streams } };
}

interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** A terminal has one output, so standard error is off with it. */
function streamsOf(query: ApiRequest['query']): Streams {
  const tty = queryFlag(query, 'tty');
  const streams = { stdin: queryFlag(query, 'stdin'), stdout: queryFlag(query, 'stdout'), stderr: queryFlag(query, 'stderr') && !tty, tty };
  if (!streams.stdin && !streams.stdout && !streams.stderr) throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  return streams;
}
