/**
 * The OpenAPI documents of the server: an index and one v3 document a group version, and one v2 document for all.
 * Everything is built when it is asked for and kept only weakly: an idle server holds none of it, a busy one builds it once.
 */
import { schemaHash } from '../generated/schema-hash.js';
import { allKinds, type KindInfo } from '../kinds.js';
import { Definitions, type Dialect, type Docs } from './definitions.js';
import { PathWriter } from './paths.js';
import { encodeOpenApiV2 } from './protobuf.js';

/** Shown as `info.version`. */
const info = { title: 'Kubernetes', version: 'v1.36.0' };
const bearer = { BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' } };

/** `api/v1`, `apis/apps/v1`: the name of a group version in paths of the API and of OpenAPI v3. */
export function groupVersionPath(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === '' ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`;
}

/** Text of `GET /openapi/v3`. The hash in each address changes with the content, so that clients may cache for ever. */
export function openApiV3Index(): string {
  const names = [...new Set(allKinds().map(groupVersionPath))];
  return JSON.stringify({
    paths: Object.fromEntries(names.map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}?hash=${schemaHash}` }])),
  });
}

/** Strong ETag of every document, without quotes. */
export const openApiHash: string = schemaHash;

/** Text of `GET /openapi/v3/<path>`, e.g. for `apis/apps/v1`; `undefined` where that group version is not served. */
export async function openApiV3Document(path: string): Promise<string | undefined> {
  const kinds = allKinds().filter((kind) => groupVersionPath(kind) === path);
  if (kinds.length === 0) return undefined;
  return cached(`v3/${path}`, (docs) => buildV3(kinds, docs));
}

/** Text of `GET /openapi/v2`. */
export async function openApiV2Document(): Promise<string> {
  return cached('v2', buildV2);
}

/** The same in protobuf, for `Accept: application/com.github.proto-openapi.spec.v2@v1.0+protobuf`. Built anew on each call. */
export async function openApiV2Protobuf(): Promise<Uint8Array> {
  return encodeOpenApiV2(v2Object(await loadDocs()));
}

interface Text {
  readonly text: string;
}
const texts = new Map<string, WeakRef<Text>>();

async function cached(key: string, build: (docs: Docs) => string): Promise<string> {
  const known = texts.get(key)?.deref();
  if (known !== undefined) return known.text;
  const made: Text = { text: build(await loadDocs()) };
  texts.set(key, new WeakRef(made));
  return made.text;
}

/** Parsed on each use: documents are built rarely, and the parsed form is several times the text. */
async function loadDocs(): Promise<Docs> {
  const { docsText } = await import('../generated/docs.js');
  return decodeDocs(docsText);
}

function decodeDocs(text: string): Docs {
  return JSON.parse(text) as Docs;
}

interface Parts {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, unknown>>;
}

function buildParts(dialect: Dialect, kinds: readonly KindInfo[], docs: Docs): Parts {
  const definitions = new Definitions(dialect, docs);
  const writer = new PathWriter(dialect, definitions);
  for (const kind of kinds) writer.addKind(kind);
  for (const type of ['APIResourceList', 'APIGroup', 'WatchEvent']) definitions.ref(type);
  return { paths: writer.paths, definitions: definitions.finish() };
}

function buildV3(kinds: readonly KindInfo[], docs: Docs): string {
  const { paths, definitions } = buildParts('v3', kinds, docs);
  return JSON.stringify({ openapi: '3.0.0', info, paths, components: { schemas: definitions, securitySchemes: bearer } });
}

function v2Object(docs: Docs): Readonly<Record<string, unknown>> {
  const { paths, definitions } = buildParts('v2', allKinds(), docs);
  return { swagger: '2.0', info, paths, definitions, securityDefinitions: bearer, security: [{ BearerToken: [] }] };
}

function buildV2(docs: Docs): string {
  return JSON.stringify(v2Object(docs));
}
