/** A server that answers from a table and remembers what it was asked: for tests of what a command line sends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SentRequest {
  readonly method: string;
  /** With its query, as it was sent. */
  readonly url: string;
  readonly contentType: string | undefined;
  readonly body: unknown;
}

export interface Reply {
  readonly status?: number;
  readonly body: unknown;
  readonly warning?: string;
}

/** `GET /api/v1/pods` (without query) -> what to answer; a function sees the request. */
export type Replies = Readonly<Record<string, Reply | ((request: SentRequest) => Reply)>>;

export class RecordingServer implements AsyncDisposable {
  /** In the order in which they came; discovery is left out. */
  readonly requests: SentRequest[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'berth-cli-'));
  readonly kubeconfig = join(this.folder, 'config');

  private constructor(private readonly server: Server) {}

  static async start(replies: Replies): Promise<RecordingServer> {
    const server = createServer();
    const recording = new RecordingServer(server);
    server.on('request', (request, response) => {
      void received(request).then((sent) => {
        const path = sent.url.split('?')[0] ?? '';
        const known = { ...discoveryReplies, ...replies }[`${sent.method} ${path}`];
        if (path !== '/api' && path !== '/apis') recording.requests.push(sent);
        const reply = typeof known === 'function' ? known(sent) : (known ?? notFound(path));
        const headers = { 'content-type': 'application/json', ...(reply.warning !== undefined && { warning: `299 - "${reply.warning}"` }) };
        response.writeHead(reply.status ?? 200, headers).end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    writeFileSync(recording.kubeconfig, kubeconfigFor((server.address() as AddressInfo).port));
    return recording;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function received(request: IncomingMessage): Promise<SentRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    contentType: request.headers['content-type'],
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

function notFound(path: string): Reply {
  const [name = '', resource = ''] = path.split('/').toReversed();
  return { status: 404, body: { kind: 'Status', reason: 'NotFound', message: `${resource} "${name}" not found`, code: 404 } };
}

function kubeconfigFor(port: number): string {
  return JSON.stringify({
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'shop' } }],
    clusters: [{ name: 'test', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'test', user: { token: 'secret' } }],
  });
}

function resource(name: string, kind: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    resource: name,
    singularResource: kind.toLowerCase(),
    responseKind: { kind },
    scope: 'Namespaced',
    verbs: ['get', 'list'],
    ...more,
  };
}

const scalable = { subresources: [{ subresource: 'scale' }, { subresource: 'status' }] };

const discoveryReplies: Replies = {
  'GET /api': {
    body: {
      items: [
        {
          versions: [
            {
              version: 'v1',
              resources: [
                resource('configmaps', 'ConfigMap', { shortNames: ['cm'] }),
                resource('events', 'Event', { shortNames: ['ev'] }),
                resource('nodes', 'Node', { scope: 'Cluster', shortNames: ['no'] }),
                resource('pods', 'Pod', { shortNames: ['po'], categories: ['all'] }),
                resource('secrets', 'Secret'),
                resource('services', 'Service', { shortNames: ['svc'], categories: ['all'] }),
              ],
            },
          ],
        },
      ],
    },
  },
  'GET /apis': {
    body: {
      items: [
        {
          metadata: { name: 'apps' },
          versions: [
            {
              version: 'v1',
              resources: [
                resource('deployments', 'Deployment', { shortNames: ['deploy'], categories: ['all'], ...scalable }),
                resource('replicasets', 'ReplicaSet', { shortNames: ['rs'], ...scalable }),
              ],
            },
          ],
        },
        {
          metadata: { name: 'autoscaling' },
          versions: [
            { version: 'v2', resources: [resource('horizontalpodautoscalers', 'HorizontalPodAutoscaler', { shortNames: ['hpa'] })] },
          ],
        },
        {
          metadata: { name: 'berth.dev' },
          versions: [{ version: 'v1alpha1', resources: [resource('operations', 'Operation', { scope: 'Cluster', shortNames: ['op'] })] }],
        },
      ],
    },
  },
};
