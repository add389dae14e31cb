/** The cluster's keys and certificates on disk: made on the first start, renewed at a later one when their end is near. */
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Authority, createAuthority, needsRenewal, type KeyPair, type ServerNames } from './authority.js';

export interface Pki {
  readonly authority: Authority;
  readonly caPem: string;
  /** The API server's and the gateway's own certificate. */
  readonly server: KeyPair;
  /** `kubernetes-admin` in `system:masters`. */
  readonly admin: KeyPair;
  /** PKCS#8 PEM of the key that signs service account tokens. */
  readonly tokenKeyPem: string;
}

const PRIVATE = 0o600;

/** Opens `<dir>` (0700), making what is missing. `now` in ms. */
export async function openPki(dir: string, names: ServerNames, now: number): Promise<Pki> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const ca = await keptPair(
    dir,
    'ca',
    () => createAuthority('berth-ca', now),
    () => false,
  );
  const authority = await Authority.open(ca);
  const server = await keptPair(
    dir,
    'server',
    () => authority.serverCertificate({ commonName: 'kube-apiserver', organizations: [] }, names, now),
    (pair) => needsRenewal(pair.certificatePem, now, names),
  );
  const admin = await keptPair(
    dir,
    'admin',
    () => authority.clientCertificate({ commonName: 'kubernetes-admin', organizations: ['system:masters'] }, now),
    (pair) => needsRenewal(pair.certificatePem, now),
  );
  return { authority, caPem: ca.certificatePem, server, admin, tokenKeyPem: await keptKey(join(dir, 'service-account.key')) };
}

async function keptPair(dir: string, name: string, make: () => Promise<KeyPair>, isStale: (pair: KeyPair) => boolean): Promise<KeyPair> {
  const certificateFile = join(dir, `${name}.crt`);
  const keyFile = join(dir, `${name}.key`);
  const [certificatePem, keyPem] = await Promise.all([readIfThere(certificateFile), readIfThere(keyFile)]);
  if (certificatePem !== undefined && keyPem !== undefined) {
    const pair = { certificatePem, keyPem };
    if (!isStale(pair)) return pair;
  }
  const made = await make();
  await writePrivately(keyFile, made.keyPem);
  await writePrivately(certificateFile, made.certificatePem, 0o644);
  return made;
}

async function keptKey(file: string): Promise<string> {
  const existing = await readIfThere(file);
  if (existing !== undefined) return existing;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writePrivately(file, keyPem);
  return keyPem;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** No such file. Not `instanceof Error`: errors of the runtime may be of another realm. */
export function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

/** Writes the whole file or nothing; readable by the owner alone unless told otherwise. */
export async function writePrivately(file: string, content: string, mode = PRIVATE): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, content, { mode });
  await chmod(draft, mode); // the mode above is subject to the umask
  await rename(draft, file);
}
