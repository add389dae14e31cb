/**
 * Watches: changes of a prefix as newline-separated JSON events. Texts are made once for all watchers of the same change.
 * A selector turns a change into ADDED or DELETED where it makes an object enter or leave the selection.
 */
import { apiVersionOf, StatusError, type KindInfo, type KubeObject } from '../../api/index.js';
import { Channel, childOf, type CancelSignal } from '../../kit/index.js';
import { CompactedError, type CachedObject, type CacheEvent, type Revision } from '../../storage/index.js';
import { expired } from '../status.js';
import type { ApiContext } from './context.js';
import { waitFor } from './list.js';
import { storedText, fromEntry } from './object-store.js';
import type { Selection } from './selection.js';

/** Events that wait for a slow client before it is cut off; it then lists anew. */
const BACKLOG_EVENTS_MAX = 20_000;
/** Kubernetes cuts a watch at 30 to 60 minutes where the client does not say. */
const TIMEOUT_SECONDS_DEFAULT = 45 * 60;
const BOOKMARK_PERIOD_MS = 60_000;
/** Time that queued changes get to arrive before a bookmark vouches for them. */
const BOOKMARK_SETTLE_MS = 10;

export interface WatchRequest {
  readonly prefix: string;
  readonly selection: Selection;
  /** The kind as requested: decides the form of bookmarks. */
  readonly kind: KindInfo;
  readonly resourceVersion: Revision;
  /** True where existing objects come first as ADDED events. */
  readonly initialEvents: boolean;
  /** True where a bookmark with an annotation ends them (`sendInitialEvents=true`). */
  readonly marksInitialEvents: boolean;
  readonly bookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
  /** How an object is written; absent: its stored text. */
  readonly render?: ((object: KubeObject) => string) | undefined;
  /** Kind of the objects that the events carry, where it is not the kind itself (`PartialObjectMetadata`). */
  readonly eventKind?: { readonly kind: string; readonly apiVersion: string } | undefined;
}

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** The stream's chunks: whole lines. Ends by timeout, by the client, or after an ERROR event. */
export async function* watchObjects(context: ApiContext, request: WatchRequest, signal: CancelSignal): AsyncGenerator<string> {
  using source = childOf(signal);
  const lines = new Channel<string>();
  const seconds = request.timeoutSeconds ?? TIMEOUT_SECONDS_DEFAULT;
  using _timeout = context.clock.schedule(seconds * 1000, () => source.abort());
  using _ending = lines.endOn(source.signal);
  const pump = pumpEvents(context, request, lines, source.signal);
  try {
    // Whatever waits goes out as one chunk: a busy watch costs one write for many events.
    for (let batch = await lines.nextBatch(); batch !== undefined; batch = await lines.nextBatch()) yield batch.join('');
  } finally {
    source.abort();
    await pump;
  }
}

async function pumpEvents(context: ApiContext, request: WatchRequest, lines: Channel<string>, signal: CancelSignal): Promise<void> {
  const position = { delivered: request.resourceVersion };
  try {
    if (!request.initialEvents) await waitFor(context, request.resourceVersion);
    else await sendInitial(context, request, lines, position);
    const bookmarks = request.bookmarks ? keepBookmarking(context, request, lines, { position, signal }) : undefined;
    for await (const event of context.cache.watch(request.prefix, position.delivered, signal)) {
      const line = lineOf(event, request);
      if (lines.size >= BACKLOG_EVENTS_MAX) throw new CompactedError('the watcher is too slow');
      if (line !== undefined) lines.push(line);
      position.delivered = event.type === 'put' ? event.current.revision : event.revision;
    }
    await bookmarks;
    lines.end();
  } catch (error) {
    lines.push(errorLine(context, error));
    lines.end();
  }
}

interface Position {
  delivered: Revision;
}

async function sendInitial(context: ApiContext, request: WatchRequest, lines: Channel<string>, position: Position): Promise<void> {
  if (request.resourceVersion > 0) await waitFor(context, request.resourceVersion);
  else await context.written.visible(context.cache);
  position.delivered = context.cache.revision;
  for (const item of context.cache.list(request.prefix)) {
    if (request.selection.isEverything || request.selection.matches(item.object)) lines.push(objectLine('ADDED', item, request));
  }
  if (request.marksInitialEvents) lines.push(bookmarkLine(request, position.delivered, { 'k8s.io/initial-events-end': 'true' }));
}

/**
 * A bookmark says that nothing up to its revision is missing: the newest event's revision, or the cache's where no event
 * came for a moment after the cache had reached it.
 */
async function keepBookmarking(
  context: ApiContext,
  request: WatchRequest,
  lines: Channel<string>,
  { position, signal }: { readonly position: Position; readonly signal: CancelSignal },
): Promise<void> {
  for (;;) {
    await context.clock.sleep(BOOKMARK_PERIOD_MS, signal);
    if (signal.aborted) return;
    const before = { revision: context.cache.revision, delivered: position.delivered };
    await context.clock.sleep(BOOKMARK_SETTLE_MS, signal);
    const isQuiet = position.delivered === before.delivered;
    lines.push(bookmarkLine(request, isQuiet && before.revision > 0 ? before.revision : position.delivered, undefined));
  }
}

function lineOf(event: CacheEvent, request: WatchRequest): string | undefined {
  const { selection } = request;
  if (event.type === 'delete') {
    return selection.isEverything || selection.matches(event.previous.object)
      ? objectLine('DELETED', atRevision(event, event.previous, event.revision), request)
      : undefined;
  }
  const { current, previous } = event;
  if (selection.isEverything) return objectLine(previous === undefined ? 'ADDED' : 'MODIFIED', current, request);
  const isIn = selection.matches(current.object);
  const wasIn = previous !== undefined && selection.matches(previous.object);
  if (isIn) return objectLine(wasIn ? 'MODIFIED' : 'ADDED', current, request);
  return wasIn ? objectLine('DELETED', atRevision(event, previous, current.revision), request) : undefined;
}

const lastStates = new WeakMap<CacheEvent, CachedObject>();

/** The object as it was, with the revision at which it left: what a DELETED event carries. */
function atRevision(event: CacheEvent, object: CachedObject, revision: Revision): CachedObject {
  const known = lastStates.get(event);
  if (known !== undefined) return known;
  const last = fromEntry({ key: object.key, value: storedText(object.object), revision });
  lastStates.set(event, last);
  return last;
}

const texts = new WeakMap<CachedObject, { ADDED?: string; MODIFIED?: string; DELETED?: string }>();

function objectLine(type: EventType, item: CachedObject, request: WatchRequest): string {
  if (request.render !== undefined) return `{"type":"${type}","object":${request.render(item.object)}}\n`;
  let known = texts.get(item);
  if (known === undefined) texts.set(item, (known = {}));
  return (known[type] ??= `{"type":"${type}","object":${item.json}}\n`);
}

function bookmarkLine(request: WatchRequest, revision: Revision, annotations: Readonly<Record<string, string>> | undefined): string {
  const { kind, apiVersion } = request.eventKind ?? { kind: request.kind.kind, apiVersion: apiVersionOf(request.kind) };
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...(annotations === undefined ? {} : { annotations }) };
  return `${JSON.stringify({ type: 'BOOKMARK', object: { kind, apiVersion, metadata } })}\n`;
}

function errorLine(context: ApiContext, error: unknown): string {
  if (error instanceof StatusError) return `${JSON.stringify({ type: 'ERROR', object: error.status })}\n`;
  if (error instanceof CompactedError) return errorLine(context, expired(`too old resource version: ${error.message}`));
  context.log.error('watch failed', { error: String(error) });
  return errorLine(context, new StatusError('InternalError', 'Internal error occurred: the watch failed'));
}
