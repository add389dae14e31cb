/** A throw-away CA with a server certificate for loopback, for tests of the transport only. */
import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { NodeCertificateSigner } from '../../../gateway/index.js';
import type { ServerTls } from '../server-credentials.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface TestCa {
  readonly signer: NodeCertificateSigner;
  readonly tls: ServerTls;
  readonly caSha256: string;
}

export async function testCa(lifetimeMs = 3_600_000): Promise<TestCa> {
  x509.cryptoProvider.set(webcrypto as never); // the host's implementation of the browser's interface, whose type is not loaded here
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const [notBefore, notAfter] = [new Date(Date.now() - 60_000), new Date(Date.now() + lifetimeMs)];
  const base = { notBefore, notAfter, signingAlgorithm: ALGORITHM };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...base,
    serialNumber: '01',
    name: 'CN=test-ca',
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const serverKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const server = await x509.X509CertificateGenerator.create({
    ...base,
    serialNumber: '02',
    subject: 'CN=gateway',
    issuer: ca.subject,
    publicKey: serverKeys.publicKey,
    signingKey: keys.privateKey,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'kubernetes' }])],
  });
  const caPem = ca.toString('pem');
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', serverKeys.privateKey)).toString('base64');
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  let serial = 16;
  const sign = async (csrPem: string, nodeName: string): Promise<{ certificatePem: string }> => {
    const csr = new x509.Pkcs10CertificateRequest(csrPem);
    if (!(await csr.verify())) throw new Error('the request is not signed by its key');
    const certificate = await x509.X509CertificateGenerator.create({
      ...base,
      serialNumber: (++serial).toString(16),
      subject: `O=system:nodes, CN=system:node:${nodeName}`,
      issuer: ca.subject,
      publicKey: csr.publicKey,
      signingKey: keys.privateKey,
    });
    return { certificatePem: certificate.toString('pem') };
  };
  return {
    signer: { caPem, sign },
    tls: { certificateChainPem: `${server.toString('pem')}\n${caPem}`, keyPem, caPem },
    caSha256: createHash('sha256').update(Buffer.from(ca.rawData)).digest('hex'),
  };
}
