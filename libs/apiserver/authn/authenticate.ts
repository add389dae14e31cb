/** Who asks: client certificate, then bearer token (static, then service account), else anonymous. */
import { StatusError } from '../../api/index.js';
import type { ApiRequest, StaticTokens, TokenSigner, UserInfo } from '../ports.js';

export const SYSTEM_AUTHENTICATED = 'system:authenticated';
export const SYSTEM_UNAUTHENTICATED = 'system:unauthenticated';
/** Members may do everything, whatever the stored roles say: the way back in when RBAC is broken. */
export const SYSTEM_MASTERS = 'system:masters';

export const anonymous: UserInfo = { name: 'system:anonymous', groups: [SYSTEM_UNAUTHENTICATED] };

/** Throws Unauthorized where credentials were given and none of them is good. */
export async function authenticate(
  request: Pick<ApiRequest, 'headers' | 'certificate'>,
  tokens: TokenSigner,
  staticTokens: StaticTokens,
): Promise<UserInfo> {
  if (request.certificate !== undefined) {
    return authenticated({ name: request.certificate.commonName, groups: request.certificate.organizations });
  }
  const token = bearerToken(request.headers);
  if (token === undefined) return anonymous;
  const user = staticTokens.find(token) ?? (await tokens.verify(token))?.user;
  if (user === undefined) throw new StatusError('Unauthorized', 'Unauthorized');
  return authenticated(user);
}

export function authenticated(user: UserInfo): UserInfo {
  return user.groups.includes(SYSTEM_AUTHENTICATED) ? user : { ...user, groups: [...user.groups, SYSTEM_AUTHENTICATED] };
}

function bearerToken(headers: ApiRequest['headers']): string | undefined {
  const match = /^Bearer +(\S+) *$/i.exec(headers['authorization'] ?? '');
  return match?.[1];
}

/**
 * `Impersonate-User` and friends: `undefined` where the request does not impersonate. The caller checks that the
 * authenticated user may `impersonate`.
 */
export function impersonated(headers: ApiRequest['headers']): UserInfo | undefined {
  const name = headers['impersonate-user'];
  if (name === undefined || name === '') return undefined;
  const groups = (headers['impersonate-group'] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name);
  const implied = account === null || groups.length > 0 ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`];
  return authenticated({ name, groups: [...groups, ...implied] });
}
