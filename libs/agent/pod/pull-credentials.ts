/** Registry credentials of a pod: its pull secrets and those of its service account (dockerconfigjson, dockercfg). */
import { decodeBase64 } from '../../kit/index.js';
import type { Pod, Secret } from '../../api/index.js';
import type { AssignedState } from '../assigned-state.js';
import type { RegistryCredential } from '../ports.js';

interface AuthEntry {
  readonly username?: string;
  readonly password?: string;
  /** base64 of `username:password` */
  readonly auth?: string;
}

/** Credentials for the registry of `image`, in the order in which they are to be tried. Unreadable secrets are skipped. */
export function pullCredentials(
  pod: Pod,
  image: string,
  sources: Pick<AssignedState, 'secret' | 'serviceAccount'>,
): readonly RegistryCredential[] {
  const namespace = pod.metadata?.namespace ?? '';
  const account = sources.serviceAccount(namespace, pod.spec?.serviceAccountName ?? 'default');
  const refs = [...(pod.spec?.imagePullSecrets ?? []), ...(account?.imagePullSecrets ?? [])];
  const names = new Set(refs.map(({ name }) => name ?? ''));
  return [...names].flatMap((name) => {
    const secret = sources.secret(namespace, name);
    return secret === undefined ? [] : credentialsIn(secret, image);
  });
}

function credentialsIn(secret: Secret, image: string): readonly RegistryCredential[] {
  const auths = authEntries(secret);
  return Object.entries(auths)
    .filter(([registry]) => matches(registry, image))
    .sort(([a], [b]) => b.length - a.length)
    .flatMap(([, entry]) => {
      const found = credentialOf(entry);
      return found === undefined ? [] : [found];
    });
}

function authEntries(secret: Secret): Readonly<Record<string, AuthEntry>> {
  try {
    const modern = secret.data?.['.dockerconfigjson'];
    if (modern !== undefined) return (JSON.parse(decodeBase64(modern) ?? '') as { auths?: Record<string, AuthEntry> }).auths ?? {}; // decode: format of `docker login`
    const old = secret.data?.['.dockercfg'];
    return old === undefined ? {} : (JSON.parse(decodeBase64(old) ?? '') as Record<string, AuthEntry>); // decode: as above
  } catch {
    return {};
  }
}

function credentialOf(entry: AuthEntry): RegistryCredential | undefined {
  if (entry.username !== undefined && entry.password !== undefined) return { username: entry.username, password: entry.password };
  const pair = decodeBase64(entry.auth ?? '') ?? '';
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** `https://registry:5000/v1/`, `registry:5000`, `registry:5000/team` against an image reference. */
function matches(registry: string, image: string): boolean {
  const wanted = registry.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
  const first = image.split('/')[0] ?? '';
  const hasHost = image.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  const full = hasHost ? image : `docker.io/${image}`;
  const names = wanted === 'index.docker.io' ? ['docker.io', 'index.docker.io'] : [wanted];
  return names.some((name) => full === name || full.startsWith(`${name}/`));
}
