/** Request bodies: JSON and YAML texts to plain data, with the limits that keep a hostile document harmless. */
import { parseDocument } from 'yaml';
import { StatusError } from '../../api/index.js';
import { badRequest } from '../status.js';

/** An alias may multiply its anchor; beyond this factor the document counts as a bomb. */
const YAML_ALIASES_MAX = 100;
/** Deeper documents are refused before any recursive code sees them. */
const DEPTH_MAX = 200;

/** `application/json` of `application/json; charset=utf-8`, in lower case. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Parses a create, update or delete-options body. No content type means JSON. Throws BadRequest or UnsupportedMediaType. */
export function parseBody(body: string, contentType: string | undefined): unknown {
  const type = mediaType(contentType);
  if (type === '' || type === 'application/json' || type === '*/*') return parseJson(body);
  if (type === 'application/yaml' || type === 'application/vnd.kubernetes.yaml') return parseYaml(body);
  throw new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml`,
    {},
  );
}

export function parseJson(body: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw badRequest(`error decoding the request body: json parse error: ${errorText(error)}`);
  }
  checkDepth(value);
  return value;
}

export function parseYaml(body: string): unknown {
  const document = parseDocument(body, { uniqueKeys: true, maxAliasCount: YAML_ALIASES_MAX, logLevel: 'silent' } as object);
  const problem = document.errors[0];
  if (problem !== undefined) throw badRequest(`error converting YAML to JSON: yaml: ${problem.message}`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: yaml: ${errorText(error)}`);
  }
  checkDepth(value);
  return value;
}

function checkDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) throw badRequest(`error decoding the request body: exceeded max depth of ${DEPTH_MAX}`);
    const next: unknown[] = [];
    for (const item of level) collectContainers(item, next);
    level = next;
  }
}

function collectContainers(item: unknown, into: unknown[]): void {
  if (typeof item !== 'object' || item === null) return;
  for (const child of Array.isArray(item) ? item : Object.values(item)) {
    if (typeof child === 'object' && child !== null) into.push(child);
  }
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
