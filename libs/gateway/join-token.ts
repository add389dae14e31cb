/**
 * Join tokens: one string that says where the control plane is, how to recognise it, and what admits a node. The secret half is
 * kept as a `bootstrap.kubernetes.io/token` Secret in kube-system, as kubeadm's tokens are.
 */
import { decodeBase64, encodeBase64, formatTime, parseTime } from '../kit/index.js';
import type { Instant } from '../kit/index.js';
import type { KubeObject, Secret } from '../api/index.js';

export const TOKEN_NAMESPACE = 'kube-system';
export const TOKEN_SECRET_TYPE = 'bootstrap.kubernetes.io/token';
/** Of every token made without another wish. */
export const TOKEN_LIFETIME_MS = 24 * 3_600_000;

export interface JoinToken {
  /** `host:port` of an agent gateway. */
  readonly address: string;
  /** Lower-case hex SHA-256 of the CA certificate's DER form. */
  readonly caSha256: string;
  /** 6 and 16 characters of `[a-z0-9]`. */
  readonly id: string;
  readonly secret: string;
}

/** `berth1.<base64url(address)>.<caSha256>.<id>.<secret>` */
export function formatJoinToken(token: JoinToken): string {
  const address = encodeBase64(token.address).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `berth1.${address}.${token.caSha256}.${token.id}.${token.secret}`;
}

/** Throws an Error that says what is wrong with the text. */
export function parseJoinToken(text: string): JoinToken {
  const [version, address64 = '', caSha256 = '', id = '', secret = '', ...rest] = text.trim().split('.');
  const hint = 'copy the whole line that "berth token create" printed';
  if (version !== 'berth1' || rest.length > 0) throw new Error(`not a join token (it starts with "berth1." and has five parts); ${hint}`);
  const address = decodeBase64(address64.replaceAll('-', '+').replaceAll('_', '/'));
  if (address === undefined || !/^\S+:\d+$/.test(address)) throw new Error(`the join token's address is damaged; ${hint}`);
  if (!/^[0-9a-f]{64}$/.test(caSha256)) throw new Error(`the join token's CA hash is damaged; ${hint}`);
  if (!/^[a-z0-9]{6}$/.test(id) || !/^[a-z0-9]{16}$/.test(secret)) throw new Error(`the join token's secret is damaged; ${hint}`);
  return { address, caSha256, id, secret };
}

/** The Secret that admits bearers of the token until `expires`. */
export function joinTokenSecret(token: Pick<JoinToken, 'id' | 'secret'>, expires: Instant, description = 'node join token'): KubeObject {
  const data = {
    description,
    'token-id': token.id,
    'token-secret': token.secret,
    expiration: formatTime(expires),
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': 'system:bootstrappers:berth:node',
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: joinTokenSecretName(token.id), namespace: TOKEN_NAMESPACE },
    type: TOKEN_SECRET_TYPE,
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encodeBase64(value)])),
  };
}

export function joinTokenSecretName(id: string): string {
  return `bootstrap-token-${id}`;
}

/** `undefined` = admitted; otherwise why not, in words for the one who joins. */
export function refuseJoin(stored: Secret | undefined, presented: Pick<JoinToken, 'id' | 'secret'>, now: Instant): string | undefined {
  const unknown = 'the join token is unknown or was revoked; make a new one with "berth token create"';
  if (stored === undefined || stored.type !== TOKEN_SECRET_TYPE) return unknown;
  const field = (name: string): string | undefined => decodeBase64(stored.data?.[name] ?? '');
  if (field('token-id') !== presented.id || !sameText(field('token-secret') ?? '', presented.secret)) return unknown;
  if (field('usage-bootstrap-authentication') !== 'true') return unknown;
  const expires = parseTime(field('expiration'));
  if (expires !== undefined && expires <= now) return 'the join token has expired; make a new one with "berth token create"';
  return undefined;
}

/** Compares without telling by its duration where the first difference is. */
function sameText(left: string, right: string): boolean {
  let difference = left.length ^ right.length;
  for (let at = 0; at < right.length; at++) difference |= (left.codePointAt(at) ?? 0) ^ (right.codePointAt(at) ?? 0);
  return difference === 0 && left !== '';
}

/** Names that a Node may have: RFC 1123 subdomain. */
export function isNodeName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}
