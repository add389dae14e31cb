/** Health checks of the parts that this process cannot do without. */
import type { HealthCheck } from '../../libs/apiserver/index.js';
import type { Store } from '../../libs/storage/index.js';

export function storeHealth(store: Store): HealthCheck {
  return {
    name: 'etcd',
    critical: true,
    check: async () => {
      try {
        await store.revision();
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}
