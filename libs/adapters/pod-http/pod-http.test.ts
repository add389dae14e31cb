import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import type { NodeStreams, RemoteConnection } from '../../apiserver/index.js';
import { StatusError } from '../../api/index.js';
import type { Pod, Stored } from '../../api/index.js';
import { podHttp } from './index.js';

/** As an agent's tunnel: a plain connection. */
const toLoopback: Pick<NodeStreams, 'connect'> = {
  connect: async (_pod, port): Promise<RemoteConnection> => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return {
      write: (data) => new Promise((resolve) => socket.write(data, () => resolve())),
      end: () => void socket.end(),
      input: socket,
      [Symbol.asyncDispose]: async () => void socket.destroy(),
    };
  },
};

const pod: Stored<Pod> = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
};

test('method, path, headers and body reach the pod, and its answer comes back', async () => {
  const server = createServer((request, response) => {
    void request.toArray().then((pieces: Buffer[]) => {
      response.writeHead(418, { 'x-seen': `${request.method} ${request.url} ${request.headers['x-own']}` });
      response.end(Buffer.concat(pieces));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server
  const request = { method: 'POST', path: '/a/b?c=d', headers: { 'x-own': 'yes', connection: 'upgrade' }, body: 'hello' };
  const answer = await podHttp(toLoopback)(pod, port, request, new AbortController().signal);
  const pieces: Uint8Array[] = [];
  for await (const piece of answer.chunks) pieces.push(piece);
  expect([answer.status, answer.headers['x-seen'], Buffer.concat(pieces).toString()]).toEqual([418, 'POST /a/b?c=d yes', 'hello']);
  server.close();
});

test('nobody listening is "service unavailable"', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server
  server.close();
  const request = { method: 'GET', path: '/', headers: {}, body: '' };
  await expect(podHttp(toLoopback)(pod, port, request, new AbortController().signal)).rejects.toThrow('error trying to reach service');
});

test('what the node says of the port is told in the words of a proxy', async () => {
  const refused = { connect: () => Promise.reject(new StatusError('ServiceUnavailable', 'failed to connect to 127.0.0.1:9 in the pod')) };
  const request = { method: 'GET', path: '/', headers: {}, body: '' };
  await expect(podHttp(refused)(pod, 9, request, new AbortController().signal)).rejects.toThrow(
    'error trying to reach service: failed to connect to 127.0.0.1:9 in the pod',
  );
});
