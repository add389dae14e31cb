/** The real control plane inside the test (API and controllers, memory store, loopback), with the official client and with raw HTTPS. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { controlPlaneDefaults, type ControlPlaneConfig } from '../../apps/control-plane/config.js';
import { startControlPlane, type ControlPlane } from '../../apps/control-plane/control-plane.js';
import { officialClient } from './official-client.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The parsed body; loosely typed, because tests look at what any client could be sent. */
  readonly body: Json;
}

// A test reads answers of every kind by path; each expectation checks what it reads.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
}

export interface Rig extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  /** The administrator's kubeconfig, loaded by the official client. */
  kubeConfig(): Promise<KubeConfig>;
  readonly dataDir: string;
  /** As administrator, unless a token is given: objects are sent as JSON, strings as they are. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** PATCH with `application/<type>-patch+json` (or `apply-patch+yaml`). */
  patch(path: string, type: 'json' | 'merge' | 'strategic-merge' | 'apply', body: unknown, options?: CallOptions): Promise<Answer>;
  /** Opens a watch; its events arrive as they come. */
  watch(path: string, options?: CallOptions): Promise<Watching>;
  /** A fresh namespace. */
  namespace(name: string): Promise<string>;
}

export interface Watching extends Disposable {
  readonly status: number;
  /** The next event; fails where none comes within five seconds. */
  next(): Promise<{ readonly type: string; readonly object: Json }>;
  /** Whether the server has ended the stream. */
  readonly ended: Promise<void>;
}

const EVENT_WAIT_MS = 5_000;

export async function startRig(roles: ControlPlaneConfig['roles'] = ['api', 'controllers']): Promise<Rig> {
  const dataDir = await mkdtemp(join(tmpdir(), 'berth-conformance-'));
  const controlPlane = await startControlPlane({
    ...controlPlaneDefaults,
    clusterName: 'conformance',
    dataDir,
    roles,
    store: { kind: 'memory' },
    api: { host: '127.0.0.1', port: 0 },
    gateway: { host: '127.0.0.1', port: 0 },
    log: { level: 'error', format: 'text' },
  });
  const read = (name: string): Promise<string> => readFile(join(dataDir, 'pki', name), 'utf8');
  const ca = await read('ca.crt');
  const admin = new Agent({ keepAlive: true, ca, cert: await read('admin.crt'), key: await read('admin.key') });
  const others = new Agent({ keepAlive: true, ca });
  const wire: Wire = { port: controlPlane.apiPort ?? 0, agentOf: (options) => (options?.token === undefined ? admin : others) };
  const call: Rig['call'] = (method, path, body, options) => send(wire, { method, path, body, options });
  return {
    controlPlane,
    kubeConfig: async () => {
      const { KubeConfig: Config } = await officialClient();
      const config = new Config();
      config.loadFromFile(join(dataDir, 'admin.kubeconfig'));
      return config;
    },
    dataDir,
    call,
    patch: (path, type, body, options) => {
      const contentType = `application/${type}-patch+${type === 'apply' ? 'yaml' : 'json'}`;
      return call('PATCH', path, body, { ...options, headers: { 'Content-Type': contentType, ...options?.headers } });
    },
    watch: (path, options) => openWatch(wire, path, options),
    namespace: async (name) => {
      const answer = await call('POST', '/api/v1/namespaces', { metadata: { name } });
      if (answer.status !== 201) throw new Error(`the namespace ${name} was refused: ${answer.text}`);
      return name;
    },
    [Symbol.asyncDispose]: async () => {
      admin.destroy();
      others.destroy();
      await controlPlane[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

interface Wire {
  readonly port: number;
  readonly agentOf: (options: CallOptions | undefined) => Agent;
}

function headersOf(options: CallOptions | undefined, body: unknown): Record<string, string> {
  return {
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(options?.token === undefined ? {} : { Authorization: `Bearer ${options.token}` }),
    ...options?.headers,
  };
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly options: CallOptions | undefined;
}

function send(wire: Wire, { method, path, body, options }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
    // Node states no length of its own for the body of a DELETE.
    const headers = { ...headersOf(options, body), ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(text)) }) };
    const target = { host: '127.0.0.1', port: wire.port, agent: wire.agentOf(options), method, path, headers };
    const call = request(target, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const said = bytes.toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text: said, body: parsed(said) });
      });
    });
    call.on('error', reject);
    call.end(text);
  });
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function openWatch(wire: Wire, path: string, options: CallOptions | undefined): Promise<Watching> {
  return new Promise((resolve, reject) => {
    const events: Json[] = [];
    const waiting: ((event: Json) => void)[] = [];
    const arrived = (event: Json): void => {
      const waiter = waiting.shift();
      if (waiter === undefined) events.push(event);
      else waiter(event);
    };
    const target = { host: '127.0.0.1', port: wire.port, agent: wire.agentOf(options), path, headers: headersOf(options, undefined) };
    const call = request(target, (response) => {
      let rest = '';
      response.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) arrived(JSON.parse(line));
      });
      response.on('error', () => undefined); // the test itself closes it
      const ended = new Promise<void>((resolveEnd) => response.on('close', () => resolveEnd()));
      resolve({
        status: response.statusCode ?? 0,
        ended,
        next: () => (events.length > 0 ? Promise.resolve(events.shift()) : within(path, (done) => waiting.push(done))),
        [Symbol.dispose]: () => void call.destroy(),
      });
    });
    call.on('error', reject);
    call.end();
  });
}

function within(what: string, register: (done: (event: Json) => void) => void): Promise<Json> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no event on ${what}`)), EVENT_WAIT_MS);
    register((event) => {
      clearTimeout(timer);
      resolve(event);
    });
  });
}

/** Asks until `holds` answers something; fails with the last thing seen. */
export async function until<T>(what: string, ask: () => Promise<T>, holds: (seen: T) => boolean, timeoutMs = 5_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await ask();
    if (holds(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`${what} did not come true; last seen: ${JSON.stringify(seen).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
