/** Requests of one kind over many connections, one in flight on each, for a while. */
import type { Connection } from '../../../apps/cli/client/kubeconfig.js';
import { benchPod } from './bench-pod.js';
import { LeanClient, type LeanAnswer, type LeanRequest } from './lean-client.js';
import { objectName, type LoadResult, type LoadTask } from './tasks.js';

/** Throws for the first answer that is no success. */
export async function load(task: LoadTask, connection: Connection): Promise<LoadResult> {
  const clients = await Promise.all(Array.from({ length: task.connections }, () => LeanClient.open(connection)));
  const requests = requestsOf(task);
  const versions: string[] = [];
  let completed = 0;
  const startedAt = performance.now();
  const isOver = (): boolean => performance.now() - startedAt > task.durationMs;
  const work = async (client: LeanClient): Promise<void> => {
    while (!isOver()) {
      const request = requests();
      if (request === undefined) return;
      const answer = await client.send(request);
      if (answer.status >= 300)
        throw new Error(`${request.method} ${request.path} answered ${answer.status}: ${answer.text.slice(0, 500)}`);
      completed += 1;
      if (task.remember === true) versions.push(versionOf(answer));
    }
  };
  try {
    await Promise.all(clients.map(work));
    return { completed, seconds: (performance.now() - startedAt) / 1000, versions };
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
}

export function versionOf(answer: LeanAnswer): string {
  return /"resourceVersion":\s*"(\d+)"/.exec(answer.text)?.[1] ?? '';
}

/** Each call is the next request; undefined after the last. */
function requestsOf({ work, namespace, worker, count }: LoadTask): () => LeanRequest | undefined {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  let index = 0;
  const next = (): string => `${path}/${objectName(worker, index++ % count)}`;
  switch (work) {
    case 'create':
      return () => (index < count ? { method: 'POST', path, body: benchPod(objectName(worker, index++)) } : undefined);
    case 'get':
      return () => ({ method: 'GET', path: next() });
    case 'patch':
      return () => ({
        method: 'PATCH',
        contentType: 'application/merge-patch+json',
        body: `{"metadata":{"labels":{"turn":"${index}"}}}`,
        path: next(),
      });
    case 'list':
      return () => ({ method: 'GET', path });
  }
}
