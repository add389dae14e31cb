/** From what a user names (`web-1`, `pod/web-1`, `deploy/web`, `svc/web`) to pods and their containers. */
import type { LabelSelector, Pod } from '../../../libs/api/index.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { listAll } from './fetch.js';
import { pathOf } from './paths.js';
import { formatSelector } from './selector-text.js';
import type { Session } from './session.js';
import { parseTarget } from './targets.js';

/** The pods of one word, the one to prefer first: running ones, then older ones. Throws CliError where there are none. */
export async function podsNamed(session: Session, word: string): Promise<readonly Pod[]> {
  const { client, discovery, namespace } = session;
  const pods = await discovery.find('pods');
  if (!word.includes('/')) return [await client.json<Pod>(pathOf(pods, { namespace, name: word }))];
  const { resource, name } = await parseTarget([word], discovery);
  const object = await client.json<Pod & HasSelector>(pathOf(resource, { namespace, name }));
  if (resource.group === '' && resource.name === 'pods') return [object];
  const selector = selectorText(object);
  if (selector === undefined)
    throw new CliError(
      `cannot find pods of ${word}: it selects none`,
      exitCodes.failed,
      'Name a pod, or something that selects pods: deploy/web, svc/web.',
    );
  const found = await podsSelected(session, selector);
  if (found.length === 0) throw new CliError(`no pods of ${word} exist`, exitCodes.failed, `What holds them up: berth describe ${word}`);
  return found;
}

interface HasSelector {
  readonly spec?: { readonly selector?: LabelSelector | Readonly<Record<string, string>> };
}

function selectorText(object: HasSelector): string | undefined {
  const selector = object.spec?.selector;
  if (selector === undefined) return undefined;
  return 'matchLabels' in selector || 'matchExpressions' in selector
    ? formatSelector(selector)
    : formatSelector({ matchLabels: selector as Readonly<Record<string, string>> });
}

/** In the order of preference; may be empty. */
export async function podsSelected({ client, discovery, namespace }: Session, selector: string): Promise<readonly Pod[]> {
  const found = await listAll<Pod>(client, await discovery.find('pods'), { namespace, query: { labelSelector: selector } });
  return found.toSorted((left, right) => rank(left) - rank(right) || created(left).localeCompare(created(right)));
}

function rank({ metadata, status }: Pod): number {
  if (metadata?.deletionTimestamp !== undefined) return 2;
  return status?.phase === 'Running' ? 0 : 1;
}

function created({ metadata }: Pod): string {
  return metadata?.creationTimestamp ?? '';
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** The container asked for, or the pod's default one, said on `err` when there are several. Throws CliError for an unknown one. */
export function containerOf(io: Io, { metadata, spec }: Pod, asked: string | undefined): string {
  const names = (spec?.containers ?? []).map(({ name }) => name);
  const all = [...names, ...(spec?.initContainers ?? []).map(({ name }) => name)];
  if (asked !== undefined) {
    if (all.includes(asked)) return asked;
    throw new CliError(`container ${asked} not found in pod ${metadata?.name ?? ''}`, exitCodes.failed, `It has: ${all.join(', ')}`);
  }
  const preferred = metadata?.annotations?.[DEFAULT_CONTAINER];
  if (preferred !== undefined && all.includes(preferred)) return preferred;
  const [first = ''] = names;
  if (names.length > 1) io.err.write(`Defaulted container "${first}" out of: ${names.join(', ')}\n`);
  return first;
}
