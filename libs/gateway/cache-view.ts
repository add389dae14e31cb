/** The watch cache as the gateway reads it. */
import type { CachedObject, WatchCache } from '../storage/index.js';
import type { GatewayView, ViewedObject } from './ports.js';

export function cacheView(cache: WatchCache): GatewayView {
  return {
    get: (prefix, key) => {
      const found = cache.get(prefix + key);
      return found === undefined ? undefined : viewed(prefix, found);
    },
    list: (prefix) => cache.list(prefix).map((object) => viewed(prefix, object)),
  };
}

export function viewed(prefix: string, cached: CachedObject): ViewedObject {
  return {
    key: cached.key.slice(prefix.length),
    json: cached.json,
    get object() {
      return cached.object;
    },
  };
}
