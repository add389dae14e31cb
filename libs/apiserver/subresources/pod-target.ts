/** The pod and container that log, exec and attach mean. */
import type { KubeObject, Pod, Stored } from '../../api/index.js';
import type { ApiContext } from '../registry/context.js';
import { record, records, text } from '../registry/object.js';
import { keyOf, read } from '../registry/object-store.js';
import type { ResourceRequest } from '../serve/write-request.js';
import { badRequest, notFound } from '../status.js';

export async function readPod(context: ApiContext, { info, kind }: ResourceRequest): Promise<Stored<Pod>> {
  const pod = (await read(context, keyOf(kind, info.namespace, info.name ?? '')))?.object;
  if (pod === undefined) throw notFound(kind, info.name ?? '');
  return decodePod(pod);
}

/** Stored pods have passed decoding and carry complete metadata. */
function decodePod(pod: KubeObject): Stored<Pod> {
  return pod as unknown as Stored<Pod>;
}

/** Throws BadRequest where the pod has no such container, or several and none is named. */
export function containerOf(pod: Stored<Pod>, asked: string): string {
  const spec = record(pod.spec);
  const main = namesOf(spec['containers']);
  const init = namesOf(spec['initContainers']);
  const ephemeral = namesOf(spec['ephemeralContainers']);
  const { name } = pod.metadata;
  if (asked !== '') {
    if ([...main, ...init, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const preferred = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (preferred !== undefined && main.includes(preferred)) return preferred;
  const only = main[0];
  if (only !== undefined && main.length === 1) return only;
  const inits = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]${inits}`);
}

function namesOf(containers: unknown): readonly string[] {
  return records(containers).map((container) => text(container['name']) ?? '');
}

/** Throws BadRequest where no node runs the pod yet. */
export function requireNode(pod: Stored<Pod>): void {
  if ((pod.spec?.nodeName ?? '') === '') throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
}
