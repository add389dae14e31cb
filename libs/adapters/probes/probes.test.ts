import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { hostProber } from './index.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const made = createServer(answer);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return portOf(made.address());
}

function portOf(address: string | AddressInfo | null): number {
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  return address.port;
}

function probe(port: number, overrides: Partial<Parameters<typeof hostProber.http>[0]> = {}) {
  return hostProber.http({ scheme: 'HTTP', host: '127.0.0.1', port, path: '/healthz', headers: [], timeoutMs: 2_000, ...overrides });
}

async function freePort(): Promise<number> {
  const holder = createTcpServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const port = portOf(holder.address());
  await new Promise((resolve) => holder.close(resolve));
  return port;
}

describe('an HTTP probe', () => {
  test.each([200, 204, 304, 399])('succeeds on %i', async (status) => {
    const port = await serve((_request, response) => response.writeHead(status).end());
    expect(await probe(port)).toEqual({ ok: true });
  });

  test.each([400, 404, 500, 503])('fails on %i with the text of the event', async (status) => {
    const port = await serve((_request, response) => response.writeHead(status).end());
    expect(await probe(port)).toEqual({ ok: false, output: `HTTP probe failed with statuscode: ${status}` });
  });

  test('follows a redirect on its host and judges what comes there', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/healthz') response.writeHead(302, { location: '/other' }).end();
      else response.writeHead(500).end();
    });
    expect(await probe(port)).toEqual({ ok: false, output: 'HTTP probe failed with statuscode: 500' });
  });

  test('counts a redirect to another host as success', async () => {
    const port = await serve((_request, response) => response.writeHead(302, { location: 'http://example.invalid/' }).end());
    expect(await probe(port)).toEqual({ ok: true });
  });

  test('stops after ten redirects', async () => {
    const port = await serve((_request, response) => response.writeHead(302, { location: '/healthz' }).end());
    expect(await probe(port)).toMatchObject({ ok: false, output: expect.stringContaining('stopped after 10 redirects') });
  });

  test('introduces itself, and sends the headers of the pod', async () => {
    let seen: IncomingMessage['headers'] = {};
    const port = await serve((request, response) => {
      seen = request.headers;
      response.end();
    });
    await probe(port, {
      headers: [
        { name: 'Host', value: 'shop' },
        { name: 'X-A', value: '1' },
      ],
    });
    expect(seen).toMatchObject({ 'user-agent': 'kube-probe/1.36', host: 'shop', 'x-a': '1', accept: '*/*' });
  });

  test('reads no more than 10 KiB of an endless body', async () => {
    const port = await serve((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    });
    expect(await probe(port)).toEqual({ ok: true });
  });

  test('tells a refused connection as Go does', async () => {
    const port = await freePort();
    expect(await probe(port)).toEqual({
      ok: false,
      output: `Get "http://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
  });

  test('tells a silent server as a missed deadline', async () => {
    const port = await serve(() => undefined);
    expect(await probe(port, { timeoutMs: 50 })).toEqual({
      ok: false,
      output: `Get "http://127.0.0.1:${port}/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    });
  });
});

describe('a TCP probe', () => {
  test('succeeds where something listens and tells where nothing does', async () => {
    const port = await serve((_request, response) => response.end());
    expect(await hostProber.tcp('127.0.0.1', port, 1_000)).toEqual({ ok: true });
    const free = await freePort();
    expect(await hostProber.tcp('127.0.0.1', free, 1_000)).toEqual({
      ok: false,
      output: `dial tcp 127.0.0.1:${free}: connect: connection refused`,
    });
  });
});

describe('a gRPC probe', () => {
  /** Answers health checks of each service with a status of the protocol. */
  async function healthServer(statusOf: (service: string) => number): Promise<AsyncDisposable & { readonly port: number }> {
    const made = createHttp2Server();
    made.on('stream', (stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const service = Buffer.concat(chunks).subarray(7).toString();
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, statusOf(service)]));
      });
    });
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    return { port: portOf(made.address()), [Symbol.asyncDispose]: async () => void made.close() };
  }

  test('asks the health service, and believes only SERVING', async () => {
    await using health = await healthServer((service) => (service === 'ready' ? 1 : 2));
    const target = { host: '127.0.0.1', port: health.port, timeoutMs: 1_000 };
    expect(await hostProber.grpc({ ...target, service: 'ready' })).toEqual({ ok: true });
    expect(await hostProber.grpc({ ...target, service: '' })).toEqual({
      ok: false,
      output: 'service unhealthy (responded with "NOT_SERVING")',
    });
  });

  test('fails where nothing listens, and where no gRPC is spoken', async () => {
    const probed = async (port: number): Promise<boolean> =>
      (await hostProber.grpc({ host: '127.0.0.1', port, service: '', timeoutMs: 300 })).ok;
    expect(await probed(await freePort())).toBe(false);
    expect(await probed(await serve((_request, response) => response.end()))).toBe(false);
  });
});
