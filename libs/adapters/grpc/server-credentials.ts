/**
 * Server TLS that asks for a client certificate and lets the connection in without one: only Enroll may be called then.
 * grpc-js hides certificates that our CA did not sign, so an unknown certificate is the same as none.
 */
import { experimental } from '@grpc/grpc-js';
import type { ServerCredentials } from '@grpc/grpc-js';

export interface ServerTls {
  /** Leaf first; with the CA at the end, which joining agents compare with their token's hash. */
  readonly certificateChainPem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

export function optionalClientCertificate(tls: ServerTls): ServerCredentials {
  const ca = { caCertificate: Buffer.from(tls.caPem) };
  const identity = { certificate: Buffer.from(tls.certificateChainPem), privateKey: Buffer.from(tls.keyPem) };
  const provider: experimental.CertificateProvider = {
    // Told after the call, because grpc-js registers its own watcher only then.
    addCaCertificateListener: (listener) => queueMicrotask(() => listener(ca)),
    removeCaCertificateListener: () => undefined,
    addIdentityCertificateListener: (listener) => queueMicrotask(() => listener(identity)),
    removeIdentityCertificateListener: () => undefined,
  };
  return experimental.createCertificateProviderServerCredentials(provider, provider, false);
}
