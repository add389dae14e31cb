/** From objects to response bodies, in the form that the client accepts. */
import { stringify } from 'yaml';
import { printTable, type FailureStatus, type KindInfo, type KubeObject, type StatusError } from '../../api/index.js';
import type { Instant } from '../../kit/index.js';
import type { CachedObject } from '../../storage/index.js';
import type { ApiRequest, ApiResponse, WholeResponse } from '../ports.js';
import { isStoredForm, fromStorage } from '../registry/versions.js';
import type { Listing } from '../registry/list.js';
import { negotiate, type Accepted } from '../request/negotiation.js';
import { listHead, partialMetadata, partialMetadataList, type IncludeObject, type ListMeta } from './lists.js';

type Body = Extract<ApiResponse, { kind: 'body' }>;

/** How one request wants its answer. */
export interface Form {
  readonly accepted: Accepted;
  readonly include: IncludeObject;
  readonly now: Instant;
  readonly warnings: readonly string[];
}

export function formOf(request: Pick<ApiRequest, 'headers' | 'query'>, now: Instant): Form {
  const include = request.query.get('includeObject')?.[0];
  return {
    accepted: negotiate(request.headers['accept']),
    include: include === 'Object' || include === 'None' ? include : 'Metadata',
    now,
    warnings: [],
  };
}

export function objectResponse(kind: KindInfo, item: CachedObject, form: Form, status = 200): Body {
  const { as, format } = form.accepted;
  if (as === undefined && format === 'json' && isStoredForm(kind)) return jsonText(item.json, form, status);
  const object = fromStorage(kind, item.object);
  if (as?.kind === 'Table') {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return data(printTable(kind, [object], { now: form.now, includeObject: form.include, metadata }), form, status);
  }
  return data(as === undefined ? object : partialMetadata(object), form, status);
}

export function listResponse(kind: KindInfo, listing: Listing, form: Form): WholeResponse {
  const metadata: ListMeta = {
    resourceVersion: String(listing.revision),
    ...(listing.continueToken === undefined ? {} : { continue: listing.continueToken }),
    ...(listing.remaining === undefined || listing.remaining === 0 ? {} : { remainingItemCount: listing.remaining }),
  };
  const { as, format } = form.accepted;
  if (as === undefined && format === 'json' && isStoredForm(kind)) {
    const list = { kind: 'list', status: 200, headers: headersOf('application/json', form.warnings) } as const;
    const texts = { ...list, head: listHead(kind, metadata), items: listing.items, tail: ']}\n' };
    return form.accepted.pretty ? data(JSON.parse(textOf(texts)), form) : texts;
  }
  const objects = listing.items.map((item) => fromStorage(kind, item.object));
  if (as?.kind === 'Table')
    return data(printTable(kind, objects, { now: form.now, includeObject: form.include, metadata: { ...metadata } }), form);
  if (as !== undefined) return data(partialMetadataList(objects, metadata), form);
  return data({ ...JSON.parse(`${listHead(kind, metadata)}]}`), items: objects }, form);
}

/** How a watch writes the objects of its events; `undefined` where their stored text will do. */
export function eventRenderer(kind: KindInfo, form: Form, now: () => Instant): ((object: KubeObject) => string) | undefined {
  const { as } = form.accepted;
  if (as === undefined) return isStoredForm(kind) ? undefined : (object) => JSON.stringify(fromStorage(kind, object));
  if (as.kind !== 'Table') return (object) => JSON.stringify(partialMetadata(object));
  let headers = true; // the columns come with the first event only
  return (object) => {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    const table = printTable(kind, [fromStorage(kind, object)], { now: now(), includeObject: form.include, metadata });
    const shown = headers ? table : { ...table, columnDefinitions: [] };
    headers = false;
    return JSON.stringify(shown);
  };
}

/** Any other plain data. */
export function data(value: unknown, form: Pick<Form, 'accepted' | 'warnings'>, status = 200): Body {
  if (form.accepted.format === 'yaml') return body(stringify(value), 'application/yaml', form.warnings, status);
  const text = form.accepted.pretty ? JSON.stringify(value, undefined, 2) : JSON.stringify(value);
  return body(`${text}\n`, 'application/json', form.warnings, status);
}

/** `application/json` without negotiation: discovery, versions, reviews of machines. */
export function json(value: unknown, status = 200, contentType = 'application/json'): Body {
  return body(`${JSON.stringify(value)}\n`, contentType, [], status);
}

export function plain(text: string, status = 200): Body {
  return body(text, 'text/plain; charset=utf-8', [], status);
}

export function failure(error: StatusError): Body {
  const status: FailureStatus = error.status;
  const retry = status.details?.retryAfterSeconds;
  const answer = json(status, status.code);
  return retry === undefined ? answer : { ...answer, headers: { ...answer.headers, 'Retry-After': String(retry) } };
}

function jsonText(text: string, form: Form, status: number): Body {
  if (form.accepted.pretty) return data(JSON.parse(text), form, status);
  return body(text, 'application/json', form.warnings, status);
}

function body(text: string, contentType: string, warnings: readonly string[], status: number): Body {
  return { kind: 'body', status, headers: headersOf(contentType, warnings), body: text };
}

function headersOf(contentType: string, warnings: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { 'Content-Type': contentType, 'Cache-Control': 'no-cache, private' };
  if (warnings.length > 0) headers['Warning'] = warnings.map(warningText).join(', ');
  return headers;
}

/** The answer's text in one piece. */
export function textOf(answer: WholeResponse): string {
  return answer.kind === 'body' ? answer.body : `${answer.head}${answer.items.map((item) => item.json).join(',')}${answer.tail}`;
}

/** RFC 7234 warning 299, as kubectl prints it. */
function warningText(text: string): string {
  return `299 - "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', ' ')}"`;
}
