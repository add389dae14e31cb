/** Server-side apply. */
import { StatusError } from '../../api/index.js';
import type { ApiContext } from '../registry/context.js';
import type { CachedObject } from '../../storage/index.js';
import type { ResourceRequest } from './write-request.js';

export function serverSideApply(
  _context: ApiContext,
  _resource: ResourceRequest,
): Promise<{ readonly item: CachedObject; readonly created: boolean; readonly warnings: readonly string[] }> {
  throw new StatusError('InternalError', 'server-side apply is not wired yet');
}
