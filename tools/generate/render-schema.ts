/**
 * Renders the models as compact data: one line of text per type, compiled only when the type is first used.
 * Notation of a field: `name:shape` with `!` = required and `#...` = how it merges; see libs/api/schema/shapes.ts.
 */
import {
  atomicMaps,
  atomicTypes,
  mapLists,
  patchOnlyKeys,
  patchReplaced,
  patchStrategies,
  patchUnions,
  plainConditions,
  quantityCollections,
  quantityFields,
  resourceLists,
  setLists,
  unmergedConditions,
} from './facts.js';
import { localName, type Model, type Property } from './models.js';

const scalars: Readonly<Record<string, string>> = {
  'string|': 's',
  'string|byte': 'y',
  'boolean|': 'b',
  'number|int32': 'i',
  'number|int64': 'l',
  'number|double': 'd',
  'number|': 'd',
  'IntOrString|int-or-string': 'o',
  'Date|date-time': 't',
  'any|': 'a',
};

function shapeOf(type: string, format: string): string {
  if (format === 'date-time-micro') return 'u';
  const scalar = scalars[`${type}|${format}`];
  if (scalar !== undefined) return scalar;
  const array = /^Array<(.+)>$/.exec(type)?.[1];
  if (array !== undefined) return `[]${shapeOf(array, format)}`;
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (map !== undefined) return `{}${shapeOf(map, format)}`;
  if (!/^[A-Z]\w*$/.test(type)) throw new Error(`client-node has a type that the generator does not know: ${type} (${format})`);
  return `@${localName(type)}`;
}

function shapeWithFacts(path: string, property: Property): string {
  const shape = shapeOf(property.type, property.format ?? '');
  if (quantityFields.includes(path)) return 'q';
  if (quantityCollections.includes(path)) return shape.replace(/s$/, 'q');
  if (resourceLists.includes(path)) return shape.replace(/s$/, 'Q');
  return shape;
}

function merging(path: string, shape: string): string {
  const marks: string[] = [];
  const isCondition = path.endsWith('Status.conditions') && shape.startsWith('[]@');
  const keys = mapLists[path] ?? (isCondition && !plainConditions.includes(path) ? 'type' : undefined);
  if (keys !== undefined) marks.push(`#map=${keys}`);
  if (setLists.includes(path)) marks.push('#set');
  if (atomicMaps.includes(path)) marks.push('#atomic');
  const isPatchMerged = keys !== undefined && !patchReplaced.includes(path) && !unmergedConditions.includes(path);
  const patchKey = patchOnlyKeys[path] ?? (isPatchMerged ? keys.split(',')[0] : undefined);
  if (patchKey !== undefined) marks.push(`#patch=${patchKey}`);
  if (patchUnions.includes(path)) marks.push('#patch');
  const strategy = patchStrategies[path];
  if (strategy !== undefined) marks.push(`#${strategy}`);
  return marks.join('');
}

function renderType(name: string, model: Model): string {
  const fields = Object.entries(model.properties).map(([field, property]) => {
    const path = `${name}.${field}`;
    const shape = shapeWithFacts(path, property);
    return `${field}:${shape}${property.required === true ? '!' : ''}${merging(path, shape)}`;
  });
  return (atomicTypes.includes(name) ? '~' : '') + fields.join(' ');
}

/** Types that bodies and answers use without being a field of a kind. */
const extraRoots: readonly string[] = [
  'APIGroup',
  'APIGroupList',
  'APIResourceList',
  'APIVersions',
  'AuthenticationV1TokenRequest',
  'DeleteOptions',
  'Eviction',
  'Scale',
  'Status',
  'WatchEvent',
];

/** Types reachable from the served kinds, in name order: `Type -> line`. Types of versions that are not served are left out. */
export function compactSchema(models: ReadonlyMap<string, Model>, kinds: readonly string[]): Map<string, string> {
  const byName = new Map([...models].map(([name, model]) => [localName(name), model]));
  const lines = new Map<string, string>();
  const lists = kinds.flatMap((kind) => [`${kind}List`, `${kind.replace(/^[A-Z][a-z]+V1/, '')}List`]);
  const queue = [...kinds, ...lists, ...extraRoots];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const model = byName.get(name);
    if (model === undefined || lines.has(name)) continue;
    const line = renderType(name, model);
    lines.set(name, line);
    for (const match of line.matchAll(/@(\w+)/g)) queue.push(match[1] ?? '');
  }
  checkFacts(lines);
  return new Map([...lines].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every fact must name a field that exists: a renamed type must not silently lose its merge rules. */
function checkFacts(lines: ReadonlyMap<string, string>): void {
  const facts = [
    quantityFields,
    quantityCollections,
    resourceLists,
    atomicMaps,
    setLists,
    plainConditions,
    unmergedConditions,
    patchReplaced,
    patchUnions,
  ];
  const named = [...facts.flat(), ...Object.keys(mapLists), ...Object.keys(patchOnlyKeys), ...Object.keys(patchStrategies)];
  const lost = named.filter((path) => {
    const [type = '', field = ''] = path.split('.');
    return !` ${(lines.get(type) ?? '').replace(/^~/, '')}`.includes(` ${field}:`);
  });
  lost.push(...atomicTypes.filter((type) => !lines.has(type)));
  if (lost.length > 0) throw new Error(`tools/generate/facts.ts names what the models do not have: ${lost.join(', ')}`);
}

export function renderSchema(lines: ReadonlyMap<string, string>): string {
  const entries = [...lines].map(([name, line]) => `  ${JSON.stringify(name)}: ${JSON.stringify(line)},`);
  return `export const schemaLines: Readonly<Record<string, string>> = {\n${entries.join('\n')}\n};\n`;
}
