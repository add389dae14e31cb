/** Which pods a changed ConfigMap or Secret concerns. */
import { resourcesUsedBy } from '../../gateway/index.js';
import type { Pod } from '../../api/index.js';

/** `changed`: ids `config-map namespace/name`, `secret namespace/name`. */
export function usesSource(pod: Pod, changed: ReadonlySet<string>): boolean {
  for (const id of resourcesUsedBy(pod)) if (changed.has(id)) return true;
  return false;
}
