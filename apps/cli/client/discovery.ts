/** Which resources the server has, by every name that people use for them. Asked once per command, kept in memory only. */
import { CliError } from '../errors.js';
import type { ApiClient } from './api-client.js';

/** One resource in one version of its group. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  /** Plural, as in paths: `deployments`. */
  readonly name: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
}

interface DiscoveryList {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly { readonly version: string; readonly resources?: readonly DiscoveredResource[] }[];
  }[];
}

interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind?: { readonly kind?: string };
  readonly scope: 'Cluster' | 'Namespaced';
  readonly singularResource?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string }[];
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

export class Discovery {
  private loaded: Promise<readonly Resource[]> | undefined;

  constructor(private readonly client: Pick<ApiClient, 'json'>) {}

  /** In order of preference: the core group first, then the groups and versions as the server lists them. */
  all(): Promise<readonly Resource[]> {
    this.loaded ??= this.load();
    return this.loaded;
  }

  /** `po`, `pod`, `pods`, `Pod`, `deployments.apps`, `deployments.v1.apps`. Throws CliError in kubectl's words. */
  async find(name: string): Promise<Resource> {
    const found = await this.lookUp(name);
    if (found !== undefined) return found;
    const near = nearest(name.toLowerCase(), await this.all());
    throw new CliError(
      `the server doesn't have a resource type "${name}"`,
      1,
      near === undefined ? 'All types: berth api-resources' : `Did you mean "${near}"? All types: berth api-resources`,
    );
  }

  async lookUp(name: string): Promise<Resource | undefined> {
    const [word = '', ...rest] = name.toLowerCase().split('.');
    const suffix = rest.join('.');
    return (await this.all()).find((resource) => answersTo(resource, word) && matchesGroup(resource, suffix));
  }

  /** All resources of a category, such as `all`; empty when it is none. */
  async inCategory(name: string): Promise<readonly Resource[]> {
    return (await this.preferred()).filter((resource) => resource.categories.includes(name));
  }

  /** Each resource in the version that the server prefers. */
  async preferred(): Promise<readonly Resource[]> {
    const all = await this.all();
    return all.filter((resource) => all.find(({ group, name }) => group === resource.group && name === resource.name) === resource);
  }

  /** The resource by which objects of a manifest are written. Throws CliError in kubectl's words. */
  async ofKind(apiVersion: string, kind: string): Promise<Resource> {
    const found = (await this.all()).find((resource) => apiVersionOf(resource) === apiVersion && resource.kind === kind);
    if (found !== undefined) return found;
    throw new CliError(
      `no matches for kind "${kind}" in version "${apiVersion}"`,
      1,
      'Is the kind misspelt, or does it belong to a custom resource that is not installed yet? Known kinds: berth api-resources',
    );
  }

  private async load(): Promise<readonly Resource[]> {
    const lists = await Promise.all(['/api', '/apis'].map((path) => this.client.json<DiscoveryList>(path, { accept: AGGREGATED })));
    return lists.flatMap((list) => list.items.flatMap(groupResources));
  }
}

function groupResources(item: DiscoveryList['items'][number]): readonly Resource[] {
  const group = item.metadata?.name ?? '';
  return (item.versions ?? []).flatMap(({ version, resources }) => (resources ?? []).map((one) => toResource(one, group, version)));
}

function toResource(found: DiscoveredResource, group: string, version: string): Resource {
  return {
    group,
    version,
    name: found.resource,
    singular: found.singularResource ?? '',
    kind: found.responseKind?.kind ?? '',
    namespaced: found.scope === 'Namespaced',
    shortNames: found.shortNames ?? [],
    categories: found.categories ?? [],
    verbs: found.verbs ?? [],
    subresources: (found.subresources ?? []).map(({ subresource }) => subresource),
  };
}

/** `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `pod`, `deployment.apps`: how kubectl names the type of one object. */
export function typeName({ group, singular, name }: Resource): string {
  const word = singular === '' ? name : singular;
  return group === '' ? word : `${word}.${group}`;
}

/** `pods`, `deployments.apps`. */
export function pluralName({ group, name }: Resource): string {
  return group === '' ? name : `${name}.${group}`;
}

function answersTo(resource: Resource, word: string): boolean {
  return resource.name === word || resource.singular === word || resource.shortNames.includes(word) || resource.kind.toLowerCase() === word;
}

function matchesGroup({ group, version }: Resource, suffix: string): boolean {
  return suffix === '' || suffix === group || suffix === `${version}.${group}` || (group === '' && suffix === version);
}

function nearest(word: string, resources: readonly Resource[]): string | undefined {
  const names = new Set(resources.flatMap((resource) => [resource.name, resource.singular]).filter((name) => name !== ''));
  const [best] = [...names]
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .toSorted((left, right) => left.distance - right.distance);
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.name : undefined;
}

/** Levenshtein's. */
export function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
