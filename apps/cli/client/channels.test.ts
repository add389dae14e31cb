/** Processes over WebSockets, against a server that speaks v5.channel.k8s.io. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { decodeEnding, ProcessChannels } from './channels.js';

let server: Server;
let sockets: WebSocketServer;
const received: Buffer[] = [];

/** Echoes standard input; ends with exit code 7 when the input ends. */
beforeEach(async () => {
  received.length = 0;
  server = createServer((_request, response) => {
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end('{"kind":"Status","reason":"Forbidden","message":"pods \\"a\\" is forbidden"}');
  });
  sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('v5.channel.k8s.io') ? 'v5.channel.k8s.io' : false),
  });
  server.on('upgrade', (request, socket, head) => {
    if (request.url?.startsWith('/refused') === true) {
      socket.end(
        'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"kind":"Status","reason":"NotFound","message":"pods \\"a\\" not found"}',
      );
      return;
    }
    sockets.handleUpgrade(request, socket, head, (websocket) => {
      websocket.on('message', (data: Buffer) => {
        received.push(data);
        if (data[0] === 0) websocket.send(Buffer.concat([Buffer.from([1]), data.subarray(1)]));
        if (data[0] !== 255) return;
        if (request.url?.startsWith('/breaks') === true) return websocket.close();
        websocket.send(Buffer.concat([Buffer.from([2]), Buffer.from('bye')]));
        const status = { status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '7' }] } };
        websocket.send(Buffer.concat([Buffer.from([3]), Buffer.from(JSON.stringify(status))]));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  for (const client of sockets.clients) client.terminate();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function open(path: string): Promise<{ readonly channels: ProcessChannels; readonly out: string[]; readonly err: string[] }> {
  const [out, err]: [string[], string[]] = [[], []];
  const connection = {
    server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    namespace: 'default',
    insecure: false,
  };
  const channels = await ProcessChannels.open(connection, path, {
    stdout: (data) => out.push(data.toString()),
    stderr: (data) => err.push(data.toString()),
  });
  return { channels, out, err };
}

describe('a process over a WebSocket', () => {
  test('gets input, sizes and the end of input, and gives output and exit code', async () => {
    const { channels, out, err } = await open('/exec');
    using _closed = channels;
    channels.resize(80, 24);
    await channels.write(Buffer.from('hello'));
    channels.endInput();
    expect(await channels.ended).toEqual({ exitCode: 7, message: 'command terminated with exit code 7' });
    expect([out, err]).toEqual([['hello'], ['bye']]);
    expect(received.map((data) => [data[0], data.subarray(1).toString()])).toEqual([
      [4, '{"Width":80,"Height":24}'],
      [0, 'hello'],
      [255, '\u0000'],
    ]);
  });

  test("that is refused is told in the server's words", async () => {
    await expect(open('/refused')).rejects.toThrow('Error from server (NotFound): pods "a" not found');
  });

  test('whose connection breaks is an error, not a success', async () => {
    const { channels } = await open('/breaks');
    using _closed = channels;
    channels.endInput();
    await expect(channels.ended).rejects.toThrow('the connection was closed before the process ended');
  });

  test.each([
    ['{"status":"Success"}', 0],
    ['{"status":"Failure","message":"no such file"}', 1],
    ['not JSON', 1],
  ])('ending %s is exit code %d', (text, exitCode) => {
    expect(decodeEnding(text).exitCode).toBe(exitCode);
  });
});
