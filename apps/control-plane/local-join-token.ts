/** The join token of the machine itself: a file by which `berth up` and `berth server` let their own agents join. */
import { readFile } from 'node:fs/promises';
import { writePrivately } from '../../libs/adapters/x509/index.js';
import { storeKey, type KubeObject, type Secret } from '../../libs/api/index.js';
import { joinTokenSecretName, parseJoinToken, refuseJoin, TOKEN_LIFETIME_MS, TOKEN_NAMESPACE } from '../../libs/gateway/index.js';
import { instant, type Clock } from '../../libs/kit/index.js';
import type { ObjectClient } from '../../libs/reconciling/index.js';
import type { WatchCache } from '../../libs/storage/index.js';
import { createJoinToken } from './gateway/join-tokens.js';

export interface LocalJoinTokenOptions {
  readonly client: ObjectClient;
  readonly cache: WatchCache;
  readonly clock: Clock;
  /** The gateway's `host:port`. */
  readonly address: string;
  readonly caPem: string;
}

/** Keeps the file's token while it still admits for half a life; otherwise makes one. */
export async function keepLocalJoinToken(file: string, options: LocalJoinTokenOptions): Promise<void> {
  const { client, cache, clock, address, caPem } = options;
  const existing = await readFile(file, 'utf8').catch(() => '');
  if (isGood(existing, cache, { address, at: clock.now() + TOKEN_LIFETIME_MS / 2 })) return;
  const token = await createJoinToken(client, {
    address,
    caPem,
    now: clock.now(),
    description: "join token of the control plane's own machine",
  });
  await writePrivately(file, `${token}\n`);
}

function isGood(text: string, cache: WatchCache, { address, at }: { readonly address: string; readonly at: number }): boolean {
  try {
    const token = parseJoinToken(text);
    const key = storeKey({ group: '', resource: 'secrets' }, TOKEN_NAMESPACE, joinTokenSecretName(token.id));
    return token.address === address && refuseJoin(decodeSecret(cache.get(key)?.object), token, instant(at)) === undefined;
  } catch {
    return false; // a damaged file is replaced
  }
}

/** Stored under secrets, so decoded as one. */
function decodeSecret(object: KubeObject | undefined): Secret | undefined {
  return object as unknown as Secret | undefined;
}
