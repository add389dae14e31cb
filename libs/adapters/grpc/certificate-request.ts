/** A key pair and a PKCS#10 request for it, written by hand: the agent needs no ASN.1 library in memory for this one message. */
import { generateKeyPairSync, sign } from 'node:crypto';

export interface KeyAndRequest {
  readonly keyPem: string;
  readonly csrPem: string;
}

/** P-256 key; subject CN `system:node:<name>`, O `system:nodes` (the signer sets the subject anyway). */
export function newCertificateRequest(nodeName: string): KeyAndRequest {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = sequence(rdn(ORGANIZATION, 'system:nodes'), rdn(COMMON_NAME, `system:node:${nodeName}`));
  const info = sequence(
    der(0x02, Buffer.from([0])),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa0, Buffer.alloc(0)),
  );
  const signature = sign('sha256', info, privateKey);
  const request = sequence(info, sequence(der(0x06, ECDSA_WITH_SHA256)), der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = request.toString('base64').replace(/(.{64})(?=.)/g, '$1\n');
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    csrPem: `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`,
  };
}

/** Object identifiers in their encoded form: 2.5.4.3, 2.5.4.10, 1.2.840.10045.4.3.2. */
const COMMON_NAME = Buffer.from([0x55, 0x04, 0x03]);
const ORGANIZATION = Buffer.from([0x55, 0x04, 0x0a]);
const ECDSA_WITH_SHA256 = Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);

function rdn(type: Buffer, value: string): Buffer {
  return der(0x31, sequence(der(0x06, type), der(0x0c, Buffer.from(value))));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
