/** What `pods`, `pods,svc`, `pod a b`, `pod/a svc/b` on a command line mean: which objects of which resources. */
import { CliError, exitCodes } from '../errors.js';
import type { Discovery, Resource } from './discovery.js';

export interface Target {
  readonly resource: Resource;
  /** Undefined = all that the selectors leave. */
  readonly names: readonly string[] | undefined;
}

/** Throws CliError (usage) for words that kubectl refuses as well. */
export async function parseTargets(words: readonly string[], discovery: Discovery): Promise<readonly Target[]> {
  if (words.some((word) => word.includes('/'))) return slashed(words, discovery);
  const [types = '', ...names] = words;
  if (types === '') throw new CliError('You must specify the type of resource.', exitCodes.usage, 'For example: pods, svc, deployment/web');
  const resources = (await Promise.all(types.split(',').map((type) => resourcesOf(type, discovery)))).flat();
  if (names.length > 0 && resources.length > 1 && types.includes(',') === false)
    throw new CliError(`names cannot be given with the category "${types}"`, exitCodes.usage);
  return resources.map((resource) => ({ resource, names: names.length === 0 ? undefined : names }));
}

async function resourcesOf(type: string, discovery: Discovery): Promise<readonly Resource[]> {
  const one = await discovery.lookUp(type);
  if (one !== undefined) return [one];
  const category = await discovery.inCategory(type);
  return category.length > 0 ? category : [await discovery.find(type)];
}

/** Neighbours of the same type are one target, so that they share a table. */
async function slashed(words: readonly string[], discovery: Discovery): Promise<readonly Target[]> {
  const targets: { resource: Resource; names: string[] }[] = [];
  for (const word of words) {
    const [type = '', name = '', ...rest] = word.split('/');
    if (name === '' || type === '' || rest.length > 0)
      throw new CliError(
        `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form: ${JSON.stringify(word)}`,
        exitCodes.usage,
        'Write either "pod web-1 web-2" or "pod/web-1 pod/web-2".',
      );
    const resource = await discovery.find(type);
    const last = targets.at(-1);
    if (last?.resource === resource) last.names.push(name);
    else targets.push({ resource, names: [name] });
  }
  return targets;
}

/** Exactly one object: `deploy/web` or `deploy web`. Throws CliError (usage). */
export async function parseTarget(words: readonly string[], discovery: Discovery): Promise<{ resource: Resource; name: string }> {
  const [target, ...more] = await parseTargets(words, discovery);
  const [name, ...others] = target?.names ?? [];
  if (target === undefined || name === undefined || more.length > 0 || others.length > 0)
    throw new CliError('exactly one object is needed', exitCodes.usage, 'For example: deployment/web');
  return { resource: target.resource, name };
}
