/**
 * Renders what only OpenAPI needs: each type's OpenAPI name and the documentation of types and fields, as one JSON text in
 * a module of its own, so that a server that is never asked for OpenAPI never loads it.
 */
import { createHash } from 'node:crypto';
import { localName, type Model } from './models.js';
import type { KindRow } from './render-kinds.js';

const metaRoots: readonly string[] = [
  'ObjectMeta',
  'ListMeta',
  'Status',
  'DeleteOptions',
  'LabelSelector',
  'Condition',
  'WatchEvent',
  'APIGroupList',
  'APIResourceList',
  'APIVersions',
  'FieldSelectorRequirement',
];
/** Types of the core group that no core kind leads to. */
const coreRoots: readonly string[] = ['TopologySelectorTerm'];
/** Roots that stand behind a subresource or have no API class. */
const otherRoots: Readonly<Record<string, string>> = {
  AuthenticationV1TokenRequest: 'io.k8s.api.authentication.v1',
  Eviction: 'io.k8s.api.policy.v1',
  Scale: 'io.k8s.api.autoscaling.v1',
  PodMetrics: 'io.k8s.metrics.pkg.apis.metrics.v1beta1',
  NodeMetrics: 'io.k8s.metrics.pkg.apis.metrics.v1beta1',
  Operation: 'dev.berth.v1alpha1',
};

function packageOf(group: string, version: string): string {
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}`;
  if (group === 'apiregistration.k8s.io') return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}`;
  return `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}`;
}

/** The name within its package: without the version or group that our type names carry. */
function plainName(name: string): string {
  return name.replace(/^(?:[A-Z][a-z]+)?V\d+(?=[A-Z])/, '');
}

/** Packages in the order in which they may claim the types they lead to: shared types belong to meta, then to core. */
function claims(kinds: readonly KindRow[]): { pack: string; roots: readonly string[] }[] {
  const byPackage = new Map<string, string[]>([
    ['io.k8s.apimachinery.pkg.apis.meta.v1', [...metaRoots]],
    ['io.k8s.api.core.v1', [...coreRoots]],
  ]);
  const add = (pack: string, name: string): void =>
    void byPackage.set(pack, [...(byPackage.get(pack) ?? []), name, `${name}List`, `${plainName(name)}List`]);
  for (const kind of [...kinds].sort((a, b) => (a.group < b.group ? -1 : 1))) add(packageOf(kind.group, kind.version), kind.schema);
  for (const [name, pack] of Object.entries(otherRoots)) add(pack, name);
  return [...byPackage].map(([pack, roots]) => ({ pack, roots }));
}

/** `Type -> io.k8s.api.apps.v1.Deployment` for every type of the schema. */
export function openApiNames(lines: ReadonlyMap<string, string>, kinds: readonly KindRow[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { pack, roots } of claims(kinds)) {
    const queue = [...roots];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const line = lines.get(name);
      if (line === undefined || names.has(name)) continue;
      names.set(name, `${pack}.${plainName(name)}`);
      for (const match of line.matchAll(/@(\w+)/g)) queue.push(match[1] ?? '');
    }
  }
  const nameless = [...lines.keys()].filter((name) => !names.has(name));
  if (nameless.length > 0) throw new Error(`no package leads to ${nameless.join(', ')}`);
  return names;
}

/** One entry a type: OpenAPI name, documentation, documentation by field. */
export function renderDocs(models: ReadonlyMap<string, Model>, names: ReadonlyMap<string, string>): string {
  const byName = new Map([...models].map(([name, model]) => [localName(name), model]));
  const docs = [...names].map(([name, openApiName]): [string, unknown] => {
    const model = byName.get(name);
    const fields = Object.fromEntries(Object.entries(model?.properties ?? {}).map(([field, property]) => [field, property.doc]));
    return [name, { name: openApiName, doc: model?.doc ?? '', fields }];
  });
  return `export const docsText = ${JSON.stringify(JSON.stringify(Object.fromEntries(docs)))};\n`;
}

/** Changes whenever anything that OpenAPI shows changes. */
export function renderHash(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text);
  return `export const schemaHash = '${hash.digest('hex').toUpperCase()}';\n`;
}
