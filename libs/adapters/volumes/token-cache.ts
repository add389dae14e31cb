/** Keeps the tokens of projected volumes until they need to be renewed. */

interface Held {
  readonly token: string;
  readonly renewAtMs: number;
}

/** Kubernetes docs, "ServiceAccount token volume projection": renewed at 80 % of its life, or after 24 hours. */
const RENEW_AT_SHARE = 0.8;
const RENEW_AFTER_MS = 24 * 60 * 60 * 1000;

export class TokenCache {
  readonly #held = new Map<string, Held>();

  /** The token of this key, fetched if there is none or it is old. */
  async get(key: string, nowMs: number, fetch: () => Promise<{ readonly token: string; readonly expiresAtMs: number }>): Promise<string> {
    const held = this.#held.get(key);
    if (held !== undefined && nowMs < held.renewAtMs) return held.token;
    const { token, expiresAtMs } = await fetch();
    const lifeMs = (expiresAtMs - nowMs) * RENEW_AT_SHARE;
    this.#held.set(key, { token, renewAtMs: nowMs + Math.min(lifeMs, RENEW_AFTER_MS) });
    return token;
  }

  /** Drops all tokens whose key begins so. */
  forget(prefix: string): void {
    for (const key of this.#held.keys()) if (key.startsWith(prefix)) this.#held.delete(key);
  }
}
