/** Reading objects: single ones, and lists page by page. */
import { ApiError, type ApiClient } from './api-client.js';
import { pathOf, type Query } from './paths.js';
import type { Resource } from './discovery.js';

/** Objects per page of a list; kubectl's value. */
export const PAGE_ITEMS = 500;

interface Page {
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
}

export interface ListScope {
  /** Undefined = all namespaces. */
  readonly namespace: string | undefined;
  readonly query?: Query;
  readonly accept?: string;
}

/** Every page of a list. Throws ApiError. */
export async function* pagesOf<T extends Page>(client: ApiClient, resource: Resource, scope: ListScope): AsyncGenerator<T> {
  let next: string | undefined;
  do {
    const query = { ...scope.query, limit: String(PAGE_ITEMS), continue: next };
    const path = pathOf(resource, { namespace: scope.namespace, query });
    const page: T = await client.json<T>(path, scope.accept === undefined ? {} : { accept: scope.accept });
    yield page;
    next = page.metadata?.continue;
  } while (next !== undefined && next !== '');
}

/** All items of a list. Throws ApiError. */
export async function listAll<T>(client: ApiClient, resource: Resource, scope: ListScope): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const page of pagesOf<Page & { readonly items?: readonly T[] }>(client, resource, scope)) items.push(...(page.items ?? []));
  return items;
}

/** Undefined where there is none. Throws ApiError for every other failure. */
export async function getOrUndefined<T>(client: ApiClient, path: string, accept?: string): Promise<T | undefined> {
  try {
    return await client.json<T>(path, accept === undefined ? {} : { accept });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}
