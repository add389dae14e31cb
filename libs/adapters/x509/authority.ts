/** The cluster's certificate authority: P-256 keys, certificates for servers, clients and nodes. */
import 'reflect-metadata'; // before @peculiar/x509, whose container needs it
import { webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks of hosts differ; a certificate is valid a little before it is made. */
const BACKDATE_MS = 5 * 60 * 1000;
export const CA_DAYS = 3650;
export const CERTIFICATE_DAYS = 365;

x509.cryptoProvider.set(webcrypto);

/** A certificate with its private key, both PEM (PKCS#8). */
export interface KeyPair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

export interface ClientIdentity {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** Makes a self-signed authority. */
export async function createAuthority(commonName: string, now: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${commonName}`,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    signingAlgorithm: KEY_ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
}

/** Signs with the authority's key; hold one for as long as certificates are made. */
export class Authority {
  private constructor(
    readonly caPem: string,
    private readonly certificate: x509.X509Certificate,
    private readonly key: webcrypto.CryptoKey,
  ) {}

  static async open(pair: KeyPair): Promise<Authority> {
    const der = x509.PemConverter.decodeFirst(pair.keyPem);
    const key = await webcrypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, true, ['sign']);
    return new Authority(pair.certificatePem, new x509.X509Certificate(pair.certificatePem), key);
  }

  /** A certificate by which a server proves its names; it may also be used as a client's. */
  async serverCertificate(identity: ClientIdentity, names: ServerNames, now: number): Promise<KeyPair> {
    const alternatives = [
      ...names.dnsNames.map((value) => ({ type: 'dns' as const, value })),
      ...names.addresses.map((value) => ({ type: 'ip' as const, value })),
    ];
    return this.withNewKey(
      identity,
      now,
      [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth],
      [new x509.SubjectAlternativeNameExtension(alternatives)],
    );
  }

  async clientCertificate(identity: ClientIdentity, now: number): Promise<KeyPair> {
    return this.withNewKey(identity, now, [x509.ExtendedKeyUsage.clientAuth], []);
  }

  /** Signs the key of a request for the given subject, whatever subject the request names. Throws where its signature is wrong. */
  async signRequest(csrPem: string, identity: ClientIdentity, now: number): Promise<string> {
    const request = new x509.Pkcs10CertificateRequest(csrPem);
    if (!(await request.verify())) throw new Error('the certificate request is not signed by its own key');
    return pem(await this.issue(identity, now, [x509.ExtendedKeyUsage.clientAuth], { publicKey: request.publicKey, extensions: [] }));
  }

  private async withNewKey(
    identity: ClientIdentity,
    now: number,
    usages: readonly string[],
    extensions: readonly x509.Extension[],
  ): Promise<KeyPair> {
    const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
    const certificate = await this.issue(identity, now, usages, { publicKey: keys.publicKey, extensions });
    return { certificatePem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
  }

  private async issue(
    identity: ClientIdentity,
    now: number,
    usages: readonly string[],
    subject: { readonly publicKey: x509.PublicKeyType; readonly extensions: readonly x509.Extension[] },
  ): Promise<x509.X509Certificate> {
    const organizations = identity.organizations.map((value) => ({ O: [value] }));
    return x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: new x509.Name([...organizations, { CN: [identity.commonName] }]).toJSON(),
      issuer: this.certificate.subjectName.toJSON(),
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(Math.min(now + CERTIFICATE_DAYS * DAY_MS, this.certificate.notAfter.getTime())),
      signingAlgorithm: KEY_ALGORITHM,
      publicKey: subject.publicKey,
      signingKey: this.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
        new x509.ExtendedKeyUsageExtension([...usages]),
        await x509.AuthorityKeyIdentifierExtension.create(this.certificate.publicKey),
        ...subject.extensions,
      ],
    });
  }
}

/** The SHA-256 of the certificate's DER form, lower-case hex: how a join token recognises the authority. */
export function certificateSha256(certificatePem: string): string {
  return new NodeCertificate(certificatePem).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** True when less than a third of the life is left, or the names are not all in it. */
export function needsRenewal(certificatePem: string, now: number, names: ServerNames = { dnsNames: [], addresses: [] }): boolean {
  const certificate = new NodeCertificate(certificatePem);
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (now > to - (to - from) / 3) return true;
  return !names.dnsNames.every((name) => certificate.checkHost(name)) || !names.addresses.every((address) => certificate.checkIP(address));
}

function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40; // positive, and of full length
  return Buffer.from(bytes).toString('hex');
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`;
}
