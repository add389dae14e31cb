/** Makes the one-string join tokens that `berth token create` and `berth up` hand out. */
import { createHash, randomInt, X509Certificate } from 'node:crypto';
import { formatJoinToken, joinTokenSecret, TOKEN_LIFETIME_MS } from '../../../libs/gateway/index.js';
import { instant } from '../../../libs/kit/index.js';
import type { ObjectClient } from '../../../libs/reconciling/index.js';

/** Whoever can store the Secret: the control plane itself, or a client of its API. */
export type TokenStore = { readonly create: (...args: Parameters<ObjectClient['create']>) => Promise<unknown> };

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Stores the token's Secret and answers the token. `address` is the gateway's, as joining hosts reach it. */
export async function createJoinToken(
  client: TokenStore,
  options: {
    readonly address: string;
    readonly caPem: string;
    readonly now: number;
    readonly lifetimeMs?: number;
    readonly description?: string;
  },
): Promise<string> {
  const secret = { id: randomText(6), secret: randomText(16) };
  const expires = instant(options.now + (options.lifetimeMs ?? TOKEN_LIFETIME_MS));
  await client.create({ group: '', resource: 'secrets' }, joinTokenSecret(secret, expires, options.description));
  return formatJoinToken({ address: options.address, caSha256: caSha256(options.caPem), ...secret });
}

export function caSha256(caPem: string): string {
  return createHash('sha256').update(new X509Certificate(caPem).raw).digest('hex');
}

function randomText(length: number): string {
  let text = '';
  while (text.length < length) text += ALPHABET.charAt(randomInt(ALPHABET.length));
  return text;
}
