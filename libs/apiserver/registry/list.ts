/** Lists: newest state from the watch cache, pages and past revisions from the Store. */
import { storePrefix, type KindInfo, StatusError } from '../../api/index.js';
import { CompactedError, FutureRevisionError, type CachedObject, type Revision } from '../../storage/index.js';
import { badRequest, expired } from '../status.js';
import type { ApiContext } from './context.js';
import { fromEntry } from './object-store.js';
import type { Selection } from './selection.js';

/** How long a list waits for a resourceVersion that the cache has not seen yet. */
const FUTURE_WAIT_MS = 3_000;

export interface ListQuery {
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
}

export interface Listing {
  readonly items: readonly CachedObject[];
  readonly revision: Revision;
  readonly continueToken?: string | undefined;
  readonly remaining?: number | undefined;
}

/** Where a resource's objects lie, or those of one namespace. */
export function prefixOf(kind: KindInfo, namespace: string | undefined): string {
  const prefix = storePrefix(kind);
  return kind.namespaced && namespace !== undefined ? `${prefix}${namespace}/` : prefix;
}

export async function listObjects(context: ApiContext, prefix: string, selection: Selection, query: ListQuery): Promise<Listing> {
  checkQuery(query);
  const token = query.continueToken === '' ? undefined : decodeToken(query.continueToken, prefix);
  if (token !== undefined) {
    const revision = token.revision === NEWEST ? await context.store.revision() : token.revision;
    return page(context, prefix, selection, { ...token, revision, limit: query.limit });
  }
  if (query.resourceVersionMatch === 'Exact') {
    return page(context, prefix, selection, {
      revision: Number(query.resourceVersion) as Revision,
      afterKey: undefined,
      limit: query.limit,
    });
  }
  await freshEnough(context, query.resourceVersion);
  const revision = context.cache.revision;
  const items = selected(context.cache.list(prefix), selection);
  if (query.limit === 0 || items.length <= query.limit) return { items, revision };
  const first = firstPage(items, revision, prefix, query.limit);
  // Kubernetes docs, ListMeta: with selectors the number of remaining items is unknown and left out.
  return selection.isEverything ? first : { ...first, remaining: undefined };
}

function checkQuery(query: ListQuery): void {
  const { resourceVersion, resourceVersionMatch, continueToken } = query;
  if (resourceVersionMatch !== '' && resourceVersionMatch !== 'Exact' && resourceVersionMatch !== 'NotOlderThan') {
    throw badRequest(`resourceVersionMatch: Unsupported value: "${resourceVersionMatch}": supported values: "Exact", "NotOlderThan", ""`);
  }
  if (resourceVersionMatch !== '' && resourceVersion === '') {
    throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (resourceVersionMatch === 'Exact' && resourceVersion === '0') {
    throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  if (continueToken !== '' && resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  parseVersion(resourceVersion);
}

/** Throws BadRequest for what is not a resourceVersion. */
export function parseVersion(text: string): Revision {
  if (text === '') return 0 as Revision;
  if (!/^\d{1,16}$/.test(text)) throw badRequest(`Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`);
  return Number(text) as Revision;
}

/** Nothing asked: as new as this server's last write. `0`: whatever there is. Otherwise at least that. */
async function freshEnough(context: ApiContext, resourceVersion: string): Promise<void> {
  if (resourceVersion === '0') return;
  if (resourceVersion === '') return context.written.visible(context.cache);
  await waitFor(context, parseVersion(resourceVersion));
}

/** Throws Timeout with a retry hint where the revision does not come. */
export async function waitFor(context: ApiContext, revision: Revision): Promise<void> {
  if (context.cache.revision >= revision) return;
  try {
    await context.cache.reached(revision, FUTURE_WAIT_MS);
  } catch {
    throw tooLarge(context, revision);
  }
}

function tooLarge(context: ApiContext, revision: Revision): StatusError {
  const cause = { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' };
  const message = `Too large resource version: ${revision}, current: ${context.cache.revision}`;
  return new StatusError('Timeout', message, { causes: [cause], retryAfterSeconds: 1 });
}

function selected(items: readonly CachedObject[], selection: Selection): readonly CachedObject[] {
  return selection.isEverything ? items : items.filter((item) => selection.matches(item.object));
}

function firstPage(items: readonly CachedObject[], revision: Revision, prefix: string, limit: number): Listing {
  const shown = items.slice(0, limit);
  const last = shown.at(-1)?.key ?? '';
  return { items: shown, revision, continueToken: encodeToken(revision, last.slice(prefix.length)), remaining: items.length - limit };
}

interface PageStart {
  readonly revision: Revision;
  readonly afterKey: string | undefined;
  readonly limit: number;
}

/** Reads one page of a past snapshot, going on until the page is full or the range ends. */
async function page(context: ApiContext, prefix: string, selection: Selection, start: PageStart): Promise<Listing> {
  const items: CachedObject[] = [];
  let afterKey = start.afterKey;
  try {
    for (;;) {
      const options = { atRevision: start.revision, limit: start.limit, ...(afterKey === undefined ? {} : { afterKey }) };
      const part = await context.store.list(prefix, options);
      for (const entry of part.entries) {
        const item = fromEntry(entry);
        if (selection.matches(item.object)) items.push(item);
        afterKey = entry.key;
        if (start.limit > 0 && items.length === start.limit) break;
      }
      const isFull = start.limit > 0 && items.length === start.limit;
      const isLast = part.nextAfterKey === undefined && afterKey === part.entries.at(-1)?.key;
      if (isLast || part.entries.length === 0) return { items, revision: start.revision };
      if (isFull && afterKey !== undefined) {
        const token = encodeToken(start.revision, afterKey.slice(prefix.length));
        return { items, revision: start.revision, continueToken: token, ...(selection.isEverything ? { remaining: part.remaining } : {}) };
      }
    }
  } catch (error) {
    if (error instanceof FutureRevisionError) throw tooLarge(context, start.revision);
    if (error instanceof CompactedError) throw tokenExpired(start.afterKey?.slice(prefix.length));
    throw error;
  }
}

/** The refusal offers a way on: the rest of the list as it is now, which may not fit to the part that was shown. */
function tokenExpired(afterKey: string | undefined): StatusError {
  if (afterKey === undefined) return expired();
  const what = 'The provided continue parameter is too old to display a consistent list result.';
  const anew =
    'You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.';
  const price =
    'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  return expired(`${what} ${anew} ${price}`, encodeToken(NEWEST, afterKey));
}

/** In a token: whatever is newest when it is used. */
const NEWEST = 0 as Revision;

/** Opaque to clients: version of the form, revision of the snapshot, last key shown (below the prefix). */
function encodeToken(revision: Revision, key: string): string {
  return `1.${revision}.${encodeURIComponent(key)}`;
}

function decodeToken(token: string, prefix: string): { readonly revision: Revision; readonly afterKey: string } {
  const match = /^1\.(\d{1,16})\.([^.].*|)$/.exec(token);
  if (match?.[1] === undefined || match[2] === undefined)
    throw badRequest('continue key is not valid: the token was not issued by this API');
  return { revision: Number(match[1]) as Revision, afterKey: prefix + decodeURIComponent(match[2]) };
}
