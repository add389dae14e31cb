/** Kubeconfig files, as kubectl and Helm read them. */
import { stringify } from 'yaml';
import { writePrivately, type KeyPair } from '../../libs/adapters/x509/index.js';

export interface KubeconfigOptions {
  readonly clusterName: string;
  /** `https://host:port`. */
  readonly server: string;
  readonly caPem: string;
  readonly user: string;
  readonly credentials: KeyPair | { readonly token: string };
}

export function kubeconfigText(options: KubeconfigOptions): string {
  const { clusterName, user, credentials } = options;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const userFields =
    'token' in credentials
      ? { token: credentials.token }
      : { 'client-certificate-data': base64(credentials.certificatePem), 'client-key-data': base64(credentials.keyPem) };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: clusterName, cluster: { server: options.server, 'certificate-authority-data': base64(options.caPem) } }],
    users: [{ name: user, user: userFields }],
    contexts: [{ name: clusterName, context: { cluster: clusterName, user } }],
    'current-context': clusterName,
  });
}

/** Writes the file for its owner alone. */
export async function writeKubeconfig(file: string, options: KubeconfigOptions): Promise<void> {
  await writePrivately(file, kubeconfigText(options));
}
