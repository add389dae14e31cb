/** Whether the account, and the pod, of a service account token are still the ones that it was issued for. */
import type { TokenSubjectCheck } from '../../libs/adapters/x509/index.js';
import { storeKey } from '../../libs/api/index.js';
import type { WatchCache } from '../../libs/storage/index.js';

export function accountCheck(cache: WatchCache): TokenSubjectCheck {
  return ({ namespace, serviceAccount, uid, pod }) => {
    const account = cache.get(storeKey({ group: '', resource: 'serviceaccounts' }, namespace, serviceAccount));
    if (account?.object.metadata.uid !== uid) return false;
    if (pod === undefined) return true;
    return cache.get(storeKey({ group: '', resource: 'pods' }, namespace, pod.name))?.object.metadata.uid === pod.uid;
  };
}
