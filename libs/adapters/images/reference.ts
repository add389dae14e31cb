/** Image references as Docker reads them: `[registry/]repository[:tag][@digest]`. */
import { ImagePullError } from '../../agent/index.js';

export interface ImageReference {
  /** `docker.io`, `registry.example:5000` */
  readonly registry: string;
  /** `library/nginx` */
  readonly repository: string;
  /** Absent when only a digest is given. */
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
  /** `docker.io/library/nginx` */
  readonly name: string;
  /** `docker.io/library/nginx:1.25`, or with `@sha256:...`; a digest wins over a tag. */
  readonly canonical: string;
}

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const NAME_LENGTH_MAX = 255;

/** Throws ImagePullError with the reason InvalidImageName, which says what is wrong. */
export function parseReference(text: string): ImageReference {
  const refuse = (why: string): ImagePullError =>
    new ImagePullError('InvalidImageName', `Failed to apply default image tag "${text}": couldn't parse image name "${text}": ${why}`);
  const at = text.indexOf('@');
  const digest = at === -1 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !DIGEST.test(digest))
    throw refuse('invalid reference format: the digest must be sha256: and 64 hexadecimal digits');
  const named = at === -1 ? text : text.slice(0, at);
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const tag = colon === -1 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) throw refuse('invalid reference format: the tag has characters that are not allowed');
  const { registry, path } = splitRegistry(colon === -1 ? named : named.slice(0, colon));
  if (path !== path.toLowerCase()) throw refuse('invalid reference format: repository name must be lowercase');
  if (!HOST.test(registry) || !path.split('/').every((component) => COMPONENT.test(component))) throw refuse('invalid reference format');
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  const name = `${registry}/${repository}`;
  if (name.length > NAME_LENGTH_MAX) throw refuse(`repository name must not be more than ${NAME_LENGTH_MAX} characters`);
  const effectiveTag = tag ?? (digest === undefined ? 'latest' : undefined);
  const canonical = digest === undefined ? `${name}:${effectiveTag}` : `${name}@${digest}`;
  return { registry, repository, tag: effectiveTag, digest, name, canonical };
}

/** The first component is a registry when it could not be a Docker Hub user: a dot, a port, `localhost`, or upper case. */
function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isRegistry = first.includes('.') || first.includes(':') || first === 'localhost' || (first !== '' && first !== first.toLowerCase());
  if (!isRegistry) return { registry: 'docker.io', path: name };
  return { registry: first === 'index.docker.io' ? 'docker.io' : first, path: name.slice(slash + 1) };
}
