/** `/openapi/v2` and `/openapi/v3`, from the documents that libs/api derives from client-node. */
import type { ApiRequest, ApiResponse } from '../ports.js';

export function openApi(_request: ApiRequest): ApiResponse | undefined {
  return undefined;
}
