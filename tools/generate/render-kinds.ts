/**
 * Derives the table of built-in kinds from the request paths of client-node's API classes: resource, scope, verbs and
 * subresources come from the paths and methods, the schema from the type that GET or POST answers with.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { apisDir, localName } from './models.js';

export interface KindRow {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
  readonly schema: string;
}

interface Call {
  readonly path: string;
  readonly method: string;
  readonly answer: string | undefined;
}

/** Versions that are generally available: Kubernetes serves alpha and (since 1.24) beta versions only on request. */
const stableApi = /V\d+Api\.js$/;
const requestPattern =
  /\n {4}async (\w+)\([^\n]*\) \{(?:(?!\n {4}\})[\s\S])*?localVarPath = '([^']+)'(?:(?!\n {4}\})[\s\S])*?HttpMethod\.(\w+)\)/g;
const answerPattern = /\n {4}async (\w+)WithHttpInfo\(response\) \{(?:(?!\n {4}\})[\s\S])*?contentType\), "(\w+)", ""\)/g;

function readCalls(file: string): Call[] {
  const text = readFileSync(join(apisDir, file), 'utf8');
  const answers = new Map([...text.matchAll(answerPattern)].map((m) => [m[1] ?? '', m[2] ?? '']));
  return [...text.matchAll(requestPattern)].map((m) => ({ path: m[2] ?? '', method: m[3] ?? '', answer: answers.get(m[1] ?? '') }));
}

const pathPattern =
  /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>v\d\w*)\/(?<ns>namespaces\/\{namespace\}\/)?(?<resource>[a-z]+)(?<name>\/\{name\})?(?:\/(?<sub>[a-z]+))?$/;
const collectionVerbs: Readonly<Record<string, readonly string[]>> = {
  GET: ['list', 'watch'],
  POST: ['create'],
  DELETE: ['deletecollection'],
};
const itemVerbs: Readonly<Record<string, readonly string[]>> = { GET: ['get'], PUT: ['update'], PATCH: ['patch'], DELETE: ['delete'] };

interface Draft {
  group: string;
  version: string;
  resource: string;
  namespaced: boolean;
  model: string;
  readonly verbs: Set<string>;
  readonly subresources: Set<string>;
}

function apply(drafts: Map<string, Draft>, call: Call): void {
  const at = pathPattern.exec(call.path)?.groups;
  if (at === undefined) return;
  const { group = '', version = '', resource = '', name, sub, ns } = at;
  const key = `${group}/${version}/${resource}`;
  const empty = { group, version, resource, namespaced: false, model: '', verbs: new Set<string>(), subresources: new Set<string>() };
  const draft = drafts.get(key) ?? empty;
  drafts.set(key, draft);
  if (ns !== undefined) draft.namespaced = true;
  if (sub !== undefined) {
    draft.subresources.add(sub);
    return;
  }
  const verbs = (name === undefined ? collectionVerbs : itemVerbs)[call.method] ?? [];
  for (const verb of verbs) draft.verbs.add(verb);
  const isObject = (name === undefined && call.method === 'POST') || (name !== undefined && call.method === 'GET');
  if (isObject && call.answer !== undefined) draft.model = call.answer;
}

/** `V2HorizontalPodAutoscaler` -> `HorizontalPodAutoscaler`, `CoreV1Event` -> `Event`. */
export function kindName(model: string): string {
  return model.replace(/^(?:[A-Z][a-z]+)?V\d+(?:(?:alpha|beta)\d+)?(?=[A-Z])/, '');
}

export function deriveKinds(): KindRow[] {
  const drafts = new Map<string, Draft>();
  for (const file of readdirSync(apisDir)
    .filter((f) => stableApi.test(f))
    .sort()) {
    for (const call of readCalls(file)) apply(drafts, call);
  }
  return [...drafts.values()].map((d) => {
    if (d.model === '') throw new Error(`no type found for ${d.group}/${d.version} ${d.resource}: has client-node changed its layout?`);
    const { group, version, resource, namespaced } = d;
    const verbs = [...d.verbs].filter((v) => resource !== 'componentstatuses' || v !== 'watch').sort();
    return {
      group,
      version,
      resource,
      kind: kindName(d.model),
      namespaced,
      verbs,
      subresources: [...d.subresources].sort(),
      schema: localName(d.model),
    };
  });
}

export function renderKinds(rows: readonly KindRow[]): string {
  return `import type { GeneratedKind } from '../kinds.js';\n\nexport const generatedKinds: readonly GeneratedKind[] = ${JSON.stringify(rows, undefined, 1)};\n`;
}
