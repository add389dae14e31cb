/** Reads from a registry (OCI distribution, Docker registry v2): manifests and blobs, with token or basic authentication. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryCredential } from '../../agent/index.js';
import { httpGet, readText, type HttpAnswer } from './http-request.js';
import { MEDIA_TYPES, digestOf, mediaTypeOf } from './manifest.js';
import type { ImageReference } from './reference.js';

export type RegistryFailure = 'not-found' | 'unauthorized' | 'unavailable' | 'invalid';

/** What a registry refused. `isFinal`: asking again the same way is useless. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly isFinal: boolean;
  constructor(
    readonly failure: RegistryFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.isFinal = failure !== 'unavailable';
  }
}

export interface RegistryOptions {
  /** `host` or `host:port` spoken to over plain HTTP. Loopback always is. */
  readonly insecureRegistries?: readonly string[];
  /** `<folder>/<host[:port]>/ca.crt` is trusted for that registry; default `/etc/berth/certs.d`. */
  readonly certificatesDir?: string;
}

export interface FetchedManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly text: string;
}

const MANIFEST_BYTES_MAX = 4 * 1_024 * 1_024;
const ATTEMPTS = 3;
const RETRY_MS = 300;
const ACCEPT = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerList, MEDIA_TYPES.dockerManifest].join(', ');

/** One registry, one repository, one credential (or none). Tokens are kept for the life of the client. */
export class RegistryClient {
  private authorization: string | undefined;
  private ca: Promise<string | undefined> | undefined;

  constructor(
    private readonly reference: ImageReference,
    private readonly credential: RegistryCredential | undefined,
    private readonly options: RegistryOptions,
  ) {}

  /** By tag or digest. The digest is computed here, and compared when it was asked for. Throws RegistryError. */
  async manifest(tagOrDigest: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const answer = await this.get(`manifests/${tagOrDigest}`, { accept: ACCEPT }, signal);
    const text = await readText(answer.body, MANIFEST_BYTES_MAX).catch((error: unknown) => this.away(error));
    const digest = digestOf(text);
    if (tagOrDigest.startsWith('sha256:') && digest !== tagOrDigest) {
      throw new RegistryError(
        'invalid',
        `${this.reference.canonical}: the registry sent a manifest with the digest ${digest} instead of ${tagOrDigest}`,
      );
    }
    return { digest, mediaType: mediaTypeOf(text, answer.headers['content-type']?.split(';')[0]), text };
  }

  /** The bytes from `offset` on. Throws RegistryError. */
  async blob(digest: string, offset: number, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const answer = await this.get(`blobs/${digest}`, offset === 0 ? {} : { range: `bytes=${offset}-` }, signal);
    if (offset === 0 || answer.status === 206) return answer.body;
    return skip(answer.body, offset); // a registry without ranges sends everything again
  }

  private async get(path: string, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.getOnce(path, headers, signal);
      } catch (error) {
        const isFinal = !(error instanceof RegistryError) || error.isFinal;
        if (isFinal || attempt === ATTEMPTS || signal?.aborted === true) throw error;
        await sleep(RETRY_MS * attempt);
      }
    }
  }

  private async getOnce(path: string, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const url = new URL(`/v2/${this.reference.repository}/${path}`, baseUrl(this.reference.registry, this.options));
    let answer = await this.send(url, headers, signal);
    if (answer.status === 401 && (await this.authorize(answer, signal))) answer = await this.send(url, headers, signal);
    if (answer.status === 200 || answer.status === 206) return answer;
    throw await this.refusal(answer, url);
  }

  private async send(url: URL, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    this.ca ??= readFile(join(this.options.certificatesDir ?? '/etc/berth/certs.d', this.reference.registry, 'ca.crt'), 'utf8').catch(
      () => undefined,
    );
    const authorization = this.authorization === undefined ? {} : { authorization: this.authorization };
    return httpGet({ url, headers: { ...headers, ...authorization }, signal, ca: await this.ca }).catch((error: unknown) =>
      this.away(error),
    );
  }

  /** Answers the registry's challenge; false when there is nothing (new) to answer. */
  private async authorize(answer: HttpAnswer, signal: AbortSignal | undefined): Promise<boolean> {
    answer.body.resume();
    const challenge = parseChallenge(answer.headers['www-authenticate'] ?? '');
    const basic = this.credential === undefined ? undefined : basicAuthorization(this.credential);
    const before = this.authorization;
    if (challenge?.scheme === 'basic') this.authorization = basic;
    if (challenge?.scheme === 'bearer') this.authorization = await this.token(challenge.parameters, basic, signal);
    return this.authorization !== undefined && this.authorization !== before;
  }

  private async token(
    parameters: Readonly<Record<string, string>>,
    basic: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const realm = parameters['realm'];
    if (realm === undefined || !URL.canParse(realm)) return undefined;
    const url = new URL(realm);
    if (parameters['service'] !== undefined) url.searchParams.set('service', parameters['service']);
    url.searchParams.set('scope', parameters['scope'] ?? `repository:${this.reference.repository}:pull`);
    const headers = basic === undefined ? {} : { authorization: basic };
    const answer = await httpGet({ url, headers, signal, ca: await this.ca }).catch((error: unknown) => this.away(error));
    if (answer.status !== 200) throw await this.refusal(answer, url);
    const parsed = JSON.parse(await readText(answer.body, MANIFEST_BYTES_MAX)) as { token?: string; access_token?: string };
    const token = parsed.token ?? parsed.access_token;
    return token === undefined ? undefined : `Bearer ${token}`;
  }

  private async refusal(answer: HttpAnswer, url: URL): Promise<RegistryError> {
    const text = await readText(answer.body, MANIFEST_BYTES_MAX).catch(() => '');
    const { canonical, name } = this.reference;
    if (answer.status === 404) return new RegistryError('not-found', `${canonical}: not found`);
    if (answer.status === 401 || answer.status === 403) {
      const hint =
        this.credential === undefined ? 'no credentials were given' : `the credentials of user "${this.credential.username}" were refused`;
      return new RegistryError(
        'unauthorized',
        `pull access denied for ${name}, repository does not exist or may require authorization: ${answer.status === 401 ? 'unauthorized' : 'forbidden'}: ${hint}`,
      );
    }
    const detail = firstError(text);
    const failure = answer.status === 429 || answer.status >= 500 ? 'unavailable' : 'invalid';
    return new RegistryError(
      failure,
      `unexpected status from GET request to ${url.origin}${url.pathname}: ${answer.status}${detail === '' ? '' : ` (${detail})`}`,
    );
  }

  private away(error: unknown): never {
    const text = error instanceof Error ? error.message : String(error);
    throw new RegistryError('unavailable', `failed to reach registry ${this.reference.registry}: ${text}`, { cause: error });
  }
}

/** Where a registry answers. */
export function baseUrl(registry: string, options: RegistryOptions): URL {
  if (registry === 'docker.io') return new URL('https://registry-1.docker.io');
  const host = registry.replace(/:\d+$/, '');
  const isLoopback = host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
  const isPlain = isLoopback || options.insecureRegistries?.some((name) => name === registry || name === host) === true;
  return new URL(`${isPlain ? 'http' : 'https'}://${registry}`);
}

/** `Bearer realm="...",service="..."` */
export function parseChallenge(header: string): { scheme: string; parameters: Record<string, string> } | undefined {
  const match = /^\s*(basic|bearer)\b(.*)$/i.exec(header);
  if (match === null) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of (match[2] ?? '').matchAll(/([a-zA-Z_]+)=(?:"([^"]*)"|([^\s,]+))/g)) {
    parameters[name.toLowerCase()] = quoted ?? plain ?? '';
  }
  return { scheme: (match[1] ?? '').toLowerCase(), parameters };
}

function basicAuthorization({ username, password }: RegistryCredential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function firstError(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { errors?: readonly { code?: string; message?: string }[] };
    return errors?.[0]?.message ?? errors?.[0]?.code ?? '';
  } catch {
    return '';
  }
}

async function* skip(body: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array, void, undefined> {
  let rest = count;
  for await (const chunk of body) {
    if (rest >= chunk.length) rest -= chunk.length;
    else {
      yield rest === 0 ? chunk : chunk.subarray(rest);
      rest = 0;
    }
  }
}
