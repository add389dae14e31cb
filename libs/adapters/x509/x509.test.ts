/** Certificates that Node and OpenSSL accept, and tokens that only their own cluster accepts. */
import { describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../kit/testing/index.js';
import { newCertificateRequest } from '../grpc/index.js';
import { Authority, certificateSha256, createAuthority, createNodeSigner, createTokenSigner, needsRenewal, openPki } from './index.js';

const NOW = Date.parse('2026-11-22T08:00:00Z');
const DAY = 86_400_000;
const NAMES = { dnsNames: ['localhost', 'kubernetes.default.svc'], addresses: ['127.0.0.1', '10.96.0.1'] };

describe('certificates', () => {
  test('servers, clients and nodes are signed by the authority and say who they are', async () => {
    const pair = await createAuthority('berth-ca', NOW);
    const authority = await Authority.open(pair);
    const ca = new X509Certificate(pair.certificatePem);
    const server = new X509Certificate(
      (await authority.serverCertificate({ commonName: 's', organizations: [] }, NAMES, NOW)).certificatePem,
    );
    expect([server.verify(ca.publicKey), server.checkIP('10.96.0.1'), server.checkHost('localhost')]).toEqual([
      true,
      '10.96.0.1',
      'localhost',
    ]);
    const client = await authority.clientCertificate({ commonName: 'ann', organizations: ['a', 'b'] }, NOW);
    expect(new X509Certificate(client.certificatePem).subject.split('\n').sort()).toEqual(['CN=ann', 'O=a', 'O=b']);
    const signer = createNodeSigner(authority, new FakeClock());
    const node = new X509Certificate((await signer.sign(newCertificateRequest('other').csrPem, 'n1')).certificatePem);
    expect(node.subject).toContain('CN=system:node:n1');
    expect(certificateSha256(pair.certificatePem)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('are renewed when a third of their life is left, or a name is missing', async () => {
    const authority = await Authority.open(await createAuthority('ca', NOW));
    const { certificatePem } = await authority.serverCertificate({ commonName: 's', organizations: [] }, NAMES, NOW);
    expect(needsRenewal(certificatePem, NOW + 200 * DAY, NAMES)).toBe(false);
    expect(needsRenewal(certificatePem, NOW + 300 * DAY, NAMES)).toBe(true);
    expect(needsRenewal(certificatePem, NOW, { ...NAMES, addresses: ['10.0.0.9'] })).toBe(true);
  });

  test('stay the same from one start to the next, and private keys stay private', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-pki-'));
    try {
      const first = await openPki(dir, NAMES, NOW);
      const second = await openPki(dir, NAMES, NOW + DAY);
      expect(second.caPem).toBe(first.caPem);
      expect(second.server).toEqual(first.server);
      expect(second.tokenKeyPem).toBe(first.tokenKeyPem);
      const later = await openPki(dir, NAMES, NOW + 300 * DAY);
      expect(later.server.certificatePem).not.toBe(first.server.certificatePem);
      expect(((await stat(join(dir, 'ca.key'))).mode & 0o777).toString(8)).toBe('600');
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe('service account tokens', () => {
  const account = { namespace: 'default', serviceAccount: 'robot', serviceAccountUid: 'u1', audiences: [], expiresInSeconds: 600 };

  test('name their account until they expire, are for others, or the account is gone', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-pki-'));
    try {
      const { tokenKeyPem } = await openPki(dir, NAMES, NOW);
      const clock = new FakeClock();
      let exists = true;
      const signer = createTokenSigner({ keyPem: tokenKeyPem, clock, newId: () => 'id', subjectExists: () => exists });
      const { token, expiresAt } = await signer.issue(account);
      expect(expiresAt - clock.now()).toBe(600_000);
      expect(await signer.verify(token)).toMatchObject({ user: { name: 'system:serviceaccount:default:robot', uid: 'u1' } });
      expect(await signer.verify(token, ['vault'])).toBeUndefined();
      expect(await signer.verify(`${token}x`)).toBeUndefined();
      exists = false;
      expect(await signer.verify(token)).toBeUndefined();
      exists = true;
      await clock.advance(601_000);
      expect(await signer.verify(token)).toBeUndefined();
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
