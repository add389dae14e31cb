/** The node's key, certificate and CA on disk: made by joining once, renewed before the certificate ends. */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { DetailedPeerCertificate } from 'node:tls';
import type { Clock, Logger } from '../../kit/index.js';
import { parseJoinToken } from '../../gateway/index.js';
import { newCertificateRequest } from './certificate-request.js';
import { GatewayClient } from './gateway-client.js';

export interface NodeIdentity {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

const CA_FETCH_TIMEOUT_MS = 5_000;
/** Renewal happens when this share of the lifetime is over. */
const RENEW_AT = 2 / 3;
const RENEW_RETRY_MS = 60_000;

/** The identity kept in `<dataDir>/pki`, if it is complete, for this node and not expired. */
export async function loadIdentity(dataDir: string, nodeName: string, now: number): Promise<NodeIdentity | undefined> {
  try {
    const read = (file: string): Promise<string> => readFile(join(dataDir, 'pki', file), 'utf8');
    const [caPem, certificatePem, keyPem] = await Promise.all([read('ca.crt'), read('node.crt'), read('node.key')]);
    const certificate = new X509Certificate(certificatePem);
    const isOurs = certificate.subject.split('\n').includes(`CN=system:node:${nodeName}`);
    return isOurs && Date.parse(certificate.validTo) > now ? { caPem, certificatePem, keyPem } : undefined;
  } catch {
    return undefined; // none yet, or damaged: joining again is the way out
  }
}

/** Exchanges a join token for an identity and keeps it. Throws when the gateway is away, is another one, or refuses. */
export async function enroll(options: {
  readonly gateway?: string | undefined;
  readonly joinToken: string;
  readonly nodeName: string;
  readonly dataDir: string;
}): Promise<NodeIdentity> {
  const token = parseJoinToken(options.joinToken);
  const address = options.gateway ?? token.address;
  const caPem = await fetchCa(address, token.caSha256);
  const { keyPem, csrPem } = newCertificateRequest(options.nodeName);
  using client = new GatewayClient(address, { caPem });
  const enrolled = await client.enroll({ tokenId: token.id, tokenSecret: token.secret, nodeName: options.nodeName, csrPem });
  const identity = { caPem: enrolled.caPem, certificatePem: enrolled.certificatePem, keyPem };
  await saveIdentity(options.dataDir, identity);
  return identity;
}

/** Waits until renewal is due, renews, tells, and schedules the next. Disposing it ends that. */
export function keepRenewed(options: {
  readonly client: GatewayClient;
  readonly nodeName: string;
  readonly dataDir: string;
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly log: Logger;
}): Disposable {
  let timer: Disposable | undefined;
  const schedule = (identity: NodeIdentity): void => {
    const { validFrom, validTo } = new X509Certificate(identity.certificatePem);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    const dueMs = from + (to - from) * RENEW_AT - options.clock.now();
    timer = options.clock.schedule(Math.max(0, dueMs), () => void renew());
  };
  const renew = async (): Promise<void> => {
    try {
      const { keyPem, csrPem } = newCertificateRequest(options.nodeName);
      const identity = { ...(await options.client.renew(csrPem)), keyPem };
      await saveIdentity(options.dataDir, identity);
      options.client.replaceCertificate(identity);
      options.log.info('node certificate renewed');
      schedule(identity);
    } catch (error) {
      options.log.warn('node certificate not renewed yet', { error });
      timer = options.clock.schedule(RENEW_RETRY_MS, () => void renew());
    }
  };
  schedule(options.identity);
  return { [Symbol.dispose]: () => timer?.[Symbol.dispose]() };
}

async function saveIdentity(dataDir: string, identity: NodeIdentity): Promise<void> {
  const folder = join(dataDir, 'pki');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // The certificate is written last: without it the folder does not count as an identity.
  await replaceFile(join(folder, 'ca.crt'), identity.caPem);
  await replaceFile(join(folder, 'node.key'), identity.keyPem);
  await replaceFile(join(folder, 'node.crt'), identity.certificatePem);
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The CA that the server presents, believed only because its hash is the token's. */
function fetchCa(address: string, caSha256: string): Promise<string> {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    // Nothing is sent over this connection; it is trusted only once the hash has been compared.
    const socket = connect({ host, port: Number(address.slice(at + 1)), rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    socket.setTimeout(CA_FETCH_TIMEOUT_MS, () => socket.destroy(new Error(`no answer from the control plane at ${address}`)));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const ca = findByHash(socket.getPeerCertificate(true), caSha256);
      socket.end();
      if (ca !== undefined) resolve(pemOf(ca));
      else
        reject(
          new Error(
            `the control plane at ${address} is not the one that made the join token (its CA has another hash); make a new token there`,
          ),
        );
    });
  });
}

function findByHash(leaf: DetailedPeerCertificate, caSha256: string): Buffer | undefined {
  const seen = new Set<DetailedPeerCertificate>();
  for (let at: DetailedPeerCertificate | undefined = leaf; at?.raw !== undefined && !seen.has(at); at = at.issuerCertificate) {
    if (createHash('sha256').update(at.raw).digest('hex') === caSha256) return at.raw;
    seen.add(at);
  }
  return undefined;
}

function pemOf(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
}
