/** Reads manifests: files, folders, URLs of neither, and standard input; many documents each, YAML or JSON, Lists taken apart. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { parseAllDocuments, type Document, type Tags } from 'yaml';
import { CliError, exitCodes } from '../errors.js';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly generateName?: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export interface FoundManifest {
  /** Where it stands, for messages. */
  readonly source: string;
  readonly object: Manifest;
}

/** Expansions of YAML aliases in one document: more is a bomb. */
const ALIASES_MAX = 100;
const EXTENSIONS = /\.(?:ya?ml|json)$/;

export interface ManifestOptions {
  readonly stdin: Readable;
  readonly recursive?: boolean;
}

/** In the order given, folders in alphabetical order. Throws CliError that names the file and the document. */
export async function readManifests(names: readonly string[], options: ManifestOptions): Promise<readonly FoundManifest[]> {
  if (names.length === 0) throw new CliError('must specify one of -f', exitCodes.usage, 'For example: -f web.yaml, -f manifests/, -f -');
  const found: FoundManifest[] = [];
  for (const name of names) {
    if (name === '-') found.push(...parseManifests(await readAll(options.stdin), 'STDIN'));
    else for (const file of filesOf(name, options.recursive === true)) found.push(...parseManifests(readFileSync(file, 'utf8'), file));
  }
  if (found.length === 0) throw new CliError('no objects passed', exitCodes.failed, `Nothing but empty documents in ${names.join(', ')}.`);
  return found;
}

function filesOf(name: string, recursive: boolean): readonly string[] {
  if (!existsSync(name)) throw new CliError(`the path "${name}" does not exist`);
  if (!statSync(name).isDirectory()) return [name];
  const entries = readdirSync(name, { withFileTypes: true }).toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const files = entries.flatMap((entry) => {
    const path = join(name, entry.name);
    if (entry.isDirectory()) return recursive ? filesOf(path, true) : [];
    return EXTENSIONS.test(entry.name) ? [path] : [];
  });
  return files;
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}

/** Throws CliError that names source, document and line. */
export function parseManifests(text: string, source: string): readonly FoundManifest[] {
  const documents = parseAllDocuments(text, { version: '1.1', schema: 'yaml-1.1', customTags: kubernetesTags, logLevel: 'silent' });
  const list = Array.isArray(documents) ? documents : [];
  return list.flatMap((document, index) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw new CliError(`error parsing ${source}: ${problem.message.split('\n')[0] ?? ''}`);
    const where = list.length > 1 ? `${source} (document ${index + 1})` : source;
    return expand(toValue(document, where), where);
  });
}

/** YAML 1.1 as Kubernetes reads it: `yes` is true and 0644 is octal, but dates and `12:30` stay text. */
function kubernetesTags(tags: Tags): Tags {
  return tags.filter(
    (tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')),
  );
}

function toValue(document: Pick<Document, 'toJS'>, where: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    throw new CliError(`error parsing ${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function expand(value: unknown, source: string): readonly FoundManifest[] {
  if (value === null || value === undefined) return [];
  const manifest = decodeManifest(value, source);
  const items = manifest['items'];
  if (manifest.kind.endsWith('List') && Array.isArray(items)) return items.flatMap((item) => expand(item, source));
  return [{ source, object: manifest }];
}

function decodeManifest(value: unknown, source: string): Manifest {
  const object = value as Partial<Manifest>;
  const missing =
    typeof value !== 'object' || Array.isArray(value)
      ? 'kind'
      : (['apiVersion', 'kind'] as const).find((field) => typeof object[field] !== 'string' || object[field] === '');
  if (missing !== undefined)
    throw new CliError(`unable to decode ${JSON.stringify(source)}: Object '${missing === 'kind' ? 'Kind' : missing}' is missing`);
  return { ...object, metadata: object.metadata ?? {} } as Manifest;
}
