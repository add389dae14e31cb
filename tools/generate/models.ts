/** Reads the models of `@kubernetes/client-node`: every type's fields with type, format, required mark and documentation. */
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Property {
  /** client-node's notation: `string`, `Array<V1Container>`, `{ [key: string]: string; }`, `any`, ... */
  readonly type: string;
  /** `int32`, `byte`, `date-time`, ... */
  readonly format?: string | undefined;
  readonly required?: true;
  readonly doc: string;
}
export interface Model {
  readonly doc: string;
  readonly properties: Readonly<Record<string, Property>>;
}

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}
interface ModelClass {
  readonly attributeTypeMap?: readonly Attribute[];
}

const require = createRequire(import.meta.url);
const packageRoot = dirname(dirname(require.resolve('@kubernetes/client-node')));
const modelsDir = join(packageRoot, 'dist/gen/models');
export const apisDir = join(packageRoot, 'dist/gen/apis');

/** `V1Pod` is `Pod` in our code; names of other versions and of clashing groups stay whole. */
export function localName(model: string): string {
  return model.replace(/^V1(?=[A-Z])/, '');
}

const docPattern = /\/\*\*\n\s*\* ?([\s\S]*?)\n?\s*\*\/\s*(?:export declare class|'([^']+)'(\??):)/g;

function readDocs(model: string): { doc: string; fields: Map<string, string>; required: Set<string> } {
  const text = readFileSync(join(modelsDir, `${model}.d.ts`), 'utf8');
  const fields = new Map<string, string>();
  let doc = '';
  for (const match of text.matchAll(docPattern)) {
    const words = (match[1] ?? '')
      .replace(/\n\s*\* ?/g, ' ')
      .replace(/\\(['"])/g, '$1')
      .trim();
    if (match[2] === undefined) {
      const last = words.lastIndexOf('/**');
      doc = last >= 0 ? words.slice(last + 3).trim() : words;
    } else fields.set(match[2], words);
  }
  const required = new Set([...text.matchAll(/^\s{4}'([^']+)': /gm)].map((m) => m[1] ?? ''));
  return { doc, fields, required };
}

/** All current models, by client-node's name. Files that the package ships but no longer uses are left out. */
export async function loadModels(): Promise<Map<string, Model>> {
  const all = (await import(pathToFileURL(join(modelsDir, 'all.js')).href)) as Record<string, ModelClass>;
  const models = new Map<string, Model>();
  const files = readdirSync(modelsDir).filter((f) => f.endsWith('.d.ts') && !['ObjectSerializer.d.ts', 'all.d.ts'].includes(f));
  for (const file of files.sort()) {
    const name = file.slice(0, -'.d.ts'.length);
    const attributes = all[name]?.attributeTypeMap;
    if (attributes === undefined) continue;
    const { doc, fields, required } = readDocs(name);
    const properties = Object.fromEntries(
      attributes.map((a): [string, Property] => [
        a.baseName,
        {
          type: a.type,
          ...(a.format === '' ? {} : { format: a.format }),
          ...(required.has(a.baseName) ? { required: true as const } : {}),
          doc: fields.get(a.baseName) ?? '',
        },
      ]),
    );
    models.set(name, { doc, properties });
  }
  return models;
}
