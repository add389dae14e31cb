/** What only HTTP can do to the API: bodies too large or not UTF-8, wrong certificates, lost clients. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { Authority, createAuthority } from '../../../libs/adapters/x509/index.js';
import { eventually } from '../../../test/support/processes.js';
import { startApiRig, type ApiRig } from '../testing/api-rig.js';

const MAPS = '/api/v1/namespaces/default/configmaps';

describe('the transport', () => {
  let rig: ApiRig;
  let identity: { cert: string; key: string; ca: string };
  beforeAll(async () => {
    rig = await startApiRig();
    const read = (name: string): Promise<string> => readFile(join(rig.dataDir, 'pki', name), 'utf8');
    identity = { cert: await read('admin.crt'), key: await read('admin.key'), ca: await read('ca.crt') };
  });
  afterAll(async () => rig[Symbol.asyncDispose]());

  const send = (
    method: string,
    path: string,
    options: { readonly body?: Uint8Array | string; readonly tls?: object; readonly headers?: Record<string, string> } = {},
  ): Promise<{ status: number; body: { kind: string; reason: string; message: string } }> =>
    new Promise((resolve, reject) => {
      const tls = { ...identity, ...options.tls };
      const call = request(
        { host: '127.0.0.1', port: rig.controlPlane.apiPort, method, path, ...tls, headers: options.headers, agent: false },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
        },
      );
      call.on('error', reject);
      call.end(options.body);
    });

  test('a body over 3 MiB is refused in words, and the server goes on', async () => {
    const body = JSON.stringify({ metadata: { name: 'big' }, data: { k: 'x'.repeat(4 * 1024 * 1024) } });
    const answer = await send('POST', MAPS, { body });
    expect([answer.status, answer.body.message]).toEqual([413, 'Request entity too large: limit is 3145728']);
    expect((await send('GET', `${MAPS}/big`)).status).toBe(404);
  });

  test('bytes that are not UTF-8 are refused', async () => {
    const body = Buffer.concat([Buffer.from('{"metadata":{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]);
    expect((await send('POST', MAPS, { body })).status).toBe(400);
  });

  test('bytes that are not protobuf, but say so, are refused', async () => {
    const headers = { 'Content-Type': 'application/vnd.kubernetes.protobuf' };
    expect((await send('POST', MAPS, { body: 'nonsense', headers })).status).toBe(400);
    expect((await send('POST', MAPS, { body: Buffer.from([0x6b, 0x38, 0x73, 0, 0x12, 0x7f, 1]), headers })).status).toBe(400);
  });

  test('a certificate of another authority is nobody', async () => {
    const stranger = await Authority.open(await createAuthority('berth-ca', Date.now()));
    const pair = await stranger.clientCertificate({ commonName: 'kubernetes-admin', organizations: ['system:masters'] }, Date.now());
    const answer = await send('GET', MAPS, { tls: { cert: pair.certificatePem, key: pair.keyPem } });
    expect([answer.status, answer.body.reason]).toEqual([401, 'Unauthorized']);
  });

  test('without a certificate one is anonymous', async () => {
    const answer = await send('GET', MAPS, { tls: { cert: undefined, key: undefined } });
    expect(answer.body.message).toContain('User "system:anonymous" cannot list resource "configmaps"');
  });

  test('a watch whose client has gone is given up', async () => {
    const { cache } = rig.controlPlane.parts;
    const received: string[] = [];
    const call = request(
      { host: '127.0.0.1', port: rig.controlPlane.apiPort, path: `${MAPS}?watch=1`, ...identity, agent: false },
      (response) => {
        response.on('data', (chunk: Buffer) => received.push(chunk.toString()));
        response.on('error', () => undefined);
      },
    );
    call.on('error', () => undefined);
    call.end();
    await send('POST', MAPS, { body: JSON.stringify({ metadata: { name: 'seen' } }) });
    await eventually('the event', 5_000, () => Promise.resolve(received.join('').includes('"seen"')));
    call.destroy();
    await send('POST', MAPS, { body: JSON.stringify({ metadata: { name: 'unseen' } }) });
    expect(cache.revision).toBeGreaterThan(0);
    expect(received.join('')).not.toContain('"unseen"');
  });
});
