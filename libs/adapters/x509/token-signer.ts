/** Service account tokens: ES256 JWTs with Kubernetes' claims, signed with the cluster's token key. */
import { createPublicKey, createPrivateKey, createHash, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import type { TokenSigner, UserInfo } from '../../apiserver/index.js';
import type { Clock } from '../../kit/index.js';

const ALGORITHM = 'ES256';
export const TOKEN_ISSUER = 'https://kubernetes.default.svc.cluster.local';
/** Audience of tokens that do not name one: this API. */
export const API_AUDIENCE = TOKEN_ISSUER;
/** Verified tokens are remembered for this long: clients send the same one with each request. */
const REMEMBER_MS = 10_000;
const REMEMBERED_MAX = 1_000;

interface Claims extends JWTPayload {
  readonly 'kubernetes.io'?: {
    readonly namespace?: string;
    readonly serviceaccount?: { readonly name?: string; readonly uid?: string };
    readonly pod?: { readonly name?: string; readonly uid?: string };
  };
}

/** True where the account (and the pod that the token is bound to) still exist with the same uid. */
export type TokenSubjectCheck = (subject: {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly uid: string;
  readonly pod: { readonly name: string; readonly uid: string } | undefined;
}) => boolean;

export interface TokenSignerOptions {
  readonly keyPem: string;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly issuer?: string | undefined;
  /** Default: every account exists. */
  readonly subjectExists?: TokenSubjectCheck | undefined;
}

type Verified = NonNullable<Awaited<ReturnType<TokenSigner['verify']>>>;

export function createTokenSigner(options: TokenSignerOptions): TokenSigner {
  const { clock, newId } = options;
  const privateKey = createPrivateKey(options.keyPem);
  const publicKey = createPublicKey(privateKey);
  const issuer = options.issuer ?? TOKEN_ISSUER;
  const keyId = keyIdOf(publicKey);
  const remembered = new Map<string, { readonly until: number; readonly answer: Verified; readonly claims: Claims }>();

  const check = async (token: string): Promise<Claims | undefined> => {
    const known = remembered.get(token);
    if (known !== undefined && known.until > clock.now()) return known.claims;
    return verifiedClaims(token, { publicKey, issuer, now: clock.now(), keyId });
  };
  return {
    issue: async (claims) => {
      const now = Math.floor(clock.now() / 1000);
      const expires = now + claims.expiresInSeconds;
      const audiences = claims.audiences.length === 0 ? [issuer] : [...claims.audiences];
      const token = await new SignJWT({
        'kubernetes.io': {
          namespace: claims.namespace,
          serviceaccount: { name: claims.serviceAccount, uid: claims.serviceAccountUid },
          ...(claims.pod === undefined ? {} : { pod: claims.pod }),
        },
      })
        .setProtectedHeader({ alg: ALGORITHM, kid: keyId })
        .setIssuer(issuer)
        .setSubject(`system:serviceaccount:${claims.namespace}:${claims.serviceAccount}`)
        .setAudience(audiences)
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(expires)
        .setJti(newId())
        .sign(privateKey);
      return { token, expiresAt: expires * 1000 };
    },
    verify: async (token, audiences = [issuer]) => {
      const claims = await check(token);
      if (claims === undefined) return undefined;
      const answer = answerFor(claims, audiences, options.subjectExists);
      if (answer === undefined) return undefined;
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      const until = Math.min(clock.now() + REMEMBER_MS, (claims.exp ?? 0) * 1000);
      remembered.set(token, { until, answer, claims });
      return answer;
    },
  };
}

async function verifiedClaims(
  token: string,
  {
    publicKey,
    issuer,
    now,
    keyId,
  }: { readonly publicKey: KeyObject; readonly issuer: string; readonly now: number; readonly keyId: string },
): Promise<Claims | undefined> {
  try {
    if (decodeProtectedHeader(token).kid !== keyId) return undefined;
    const { payload } = await jwtVerify(token, publicKey, { issuer, algorithms: [ALGORITHM], currentDate: new Date(now) });
    return payload;
  } catch {
    return undefined; // whatever is wrong with it, it is not a token of ours
  }
}

function answerFor(claims: Claims, audiences: readonly string[], exists: TokenSubjectCheck | undefined): Verified | undefined {
  const granted = [claims.aud ?? []].flat().filter((audience) => audiences.includes(audience));
  const own = claims['kubernetes.io'];
  const { namespace = '', serviceaccount, pod } = own ?? {};
  const { name = '', uid = '' } = serviceaccount ?? {};
  if (granted.length === 0 || namespace === '' || name === '') return undefined;
  const boundTo = pod?.name === undefined ? undefined : { name: pod.name, uid: pod.uid ?? '' };
  if (exists !== undefined && !exists({ namespace, serviceAccount: name, uid, pod: boundTo })) return undefined;
  return { user: userOf({ namespace, name, uid, pod: boundTo }, claims.jti), audiences: granted };
}

function userOf(
  account: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly pod: { readonly name: string; readonly uid: string } | undefined;
  },
  id: string | undefined,
): UserInfo {
  const { namespace, name, uid, pod } = account;
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {
      ...(id === undefined ? {} : { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] }),
      ...(pod === undefined
        ? {}
        : { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    },
  };
}

/** Tells keys apart, so that a token of another cluster costs no signature check. */
function keyIdOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}
