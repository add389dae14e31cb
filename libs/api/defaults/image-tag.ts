/** What an image reference says about when to pull it. */

/** The tag of `[registry[:port]/]path[:tag][@digest]`; `latest` where there is neither tag nor digest, `''` for a digest alone. */
export function imageTag(reference: string): string {
  const [named = '', digest] = reference.split('@', 2);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  if (colon >= 0) return named.slice(colon + 1);
  return digest === undefined ? 'latest' : '';
}

/** `Always` for `:latest`, spoken or not; else `IfNotPresent` (Kubernetes docs, Images: imagePullPolicy defaulting). */
export function pullPolicyFor(reference: string | undefined): 'Always' | 'IfNotPresent' {
  return reference !== undefined && reference !== '' && imageTag(reference) === 'latest' ? 'Always' : 'IfNotPresent';
}
