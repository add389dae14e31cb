/** Sends malformed manifests to an API as kubectl does, and tells what it answered. Works on any server: in memory, or a whole cluster. */
import { apiVersionOf, findByKind, type KindInfo } from '../../libs/api/index.js';

export interface Target {
  readonly url: string;
  readonly token: string;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: unknown };
}

export interface MalformedCase {
  readonly name: string;
  readonly manifest: Manifest;
  /** What is there already; the manifest then is an update of it. */
  readonly stored?: Manifest;
  /** Message of the answer: the very text. */
  readonly error: string;
}

export interface Answer {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  /** What a client said in an object, when the answer is one: nothing that controllers or the scheduler add to it. */
  readonly content: string;
}

export interface Verdict extends Answer {
  /** Whether the server now holds something that it did not hold before. */
  readonly isStored: boolean;
}

export async function send(
  target: Target,
  method: string,
  path: string,
  body?: { readonly type: string; readonly data: string | Uint8Array<ArrayBuffer> },
): Promise<Answer> {
  const response = await fetch(target.url + path, {
    method,
    headers: { authorization: `Bearer ${target.token}`, ...(body === undefined ? {} : { 'content-type': body.type }) },
    ...(body === undefined ? {} : { body: body.data }),
  });
  const answer = (await response.json()) as StoredAnswer;
  const { reason = '', message = '' } = answer;
  return { code: response.status, reason, message, content: contentOf(answer) };
}

interface StoredAnswer {
  readonly reason?: string;
  readonly message?: string;
  readonly metadata?: { readonly labels?: unknown };
  readonly spec?: object;
}

function contentOf(answer: StoredAnswer): string {
  return JSON.stringify({ ...answer, status: undefined, metadata: answer.metadata?.labels, spec: { ...answer.spec, nodeName: undefined } });
}

/** The kind of a manifest; one of a version that is not served goes where kubectl would have sent the served one. */
function kindOf({ apiVersion, kind }: Manifest): KindInfo {
  const found = findByKind(apiVersion, kind) ?? findByKind(apiVersion.replace(/v1beta\d$/, 'v1'), kind);
  if (found === undefined) throw new Error(`no kind ${apiVersion} ${kind}`);
  return found;
}

export function collectionPath(manifest: Manifest): string {
  const kind = kindOf(manifest);
  const root = kind.group === '' ? '/api/v1' : `/apis/${apiVersionOf(kind)}`;
  return `${root}/${kind.namespaced ? 'namespaces/default/' : ''}${kind.resource}`;
}

const strict = '?fieldValidation=Strict';
const json = (value: unknown): { type: string; data: string } => ({ type: 'application/json', data: JSON.stringify(value) });

/** Creates the manifest, or patches the stored one with it as `kubectl apply` does, and cleans up. */
export async function judge(target: Target, { manifest, stored }: MalformedCase): Promise<Verdict> {
  const path = collectionPath(manifest);
  const item = `${path}/${encodeURIComponent(String(manifest.metadata.name ?? 'unnamed'))}`;
  if (stored === undefined) {
    const answer = await send(target, 'POST', path + strict, json(manifest));
    return { ...answer, isStored: (await send(target, 'GET', item)).code !== 404 };
  }
  const made = await send(target, 'POST', path + strict, json(stored));
  if (made.code !== 201) throw new Error(`the stored object is refused: ${made.message}`);
  const patch = { type: 'application/strategic-merge-patch+json', data: JSON.stringify(manifest) };
  const answer = await send(target, 'PATCH', item + strict, patch);
  const now = await send(target, 'GET', item);
  await send(target, 'DELETE', `${item}?gracePeriodSeconds=0`);
  return { ...answer, isStored: now.content !== made.content };
}
