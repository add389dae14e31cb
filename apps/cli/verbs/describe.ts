/** berth describe: everything about an object that helps to understand it, its events included. */
import type { Command } from 'commander';
import type { ConfigMap, Deployment, EndpointSlice, Lease, Node, Pod, ReplicaSet, Secret, Service } from '../../../libs/api/index.js';
import { apiVersionOf, type Resource } from '../client/discovery.js';
import type { EventJson } from '../client/events.js';
import { getOrUndefined, listAll } from '../client/fetch.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { parseTargets, type Target } from '../client/targets.js';
import { formatSelector } from '../client/selector-text.js';
import { describeConfigMap, describeSecret } from '../describe/configuration.js';
import { describeDeployment } from '../describe/deployment.js';
import { describeGeneric, type GenericObject } from '../describe/generic.js';
import { describeNode } from '../describe/node.js';
import { describePod } from '../describe/pod.js';
import { describeReplicaSet } from '../describe/replica-set.js';
import { describeService } from '../describe/service.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { collect, examples, inSession, type Verb } from '../verb.js';
import { manifestTargets } from './get-manifests.js';

interface DescribeFlags {
  readonly allNamespaces: boolean;
  readonly selector?: string;
  readonly showEvents: boolean;
  readonly filename: readonly string[];
}

export const describe: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('describe [types] [names...]')
      .summary('show one object in full, with its events')
      .description('Shows everything about objects that helps to understand them. A name may be the beginning of a name.')
      .option('-A, --all-namespaces', 'objects of all namespaces', false)
      .option('-l, --selector <labels>', 'only objects with these labels')
      .option('-f, --filename <file>', 'the objects that a manifest names (file, folder or -)', collect, [])
      .option('--no-show-events', 'without events')
      .action((types: string | undefined, names: readonly string[], flags: DescribeFlags) =>
        inSession(program, io, (session) => runDescribe(session, io, { words: types === undefined ? [] : [types, ...names], flags })),
      );
    examples(command, [
      ['Why does this pod wait?', 'berth describe pod web-7d4b9c-x2x7p'],
      ['All pods whose names begin so', 'berth describe pods web-7d4b9c'],
      ['A host: what runs there, what is left', 'berth describe node node-1'],
    ]);
  },
};

interface Request {
  readonly words: readonly string[];
  readonly flags: DescribeFlags;
}

async function runDescribe(session: Session, io: Io, { words, flags }: Request): Promise<void> {
  const targets =
    flags.filename.length > 0 ? await manifestTargets(session, io, flags.filename) : await parseTargets(words, session.discovery);
  let described = 0;
  for (const target of targets)
    for (const object of await objectsOf(session, target, flags)) {
      const text = await describeObject(session, { resource: target.resource, object, showEvents: flags.showEvents });
      io.out.write(described++ === 0 ? text : `\n\n${text}`);
    }
  if (described === 0)
    io.err.write(flags.allNamespaces ? 'No resources found\n' : `No resources found in ${session.namespace} namespace.\n`);
}

async function objectsOf(session: Session, { resource, names }: Target, flags: DescribeFlags): Promise<readonly GenericObject[]> {
  const namespace = flags.allNamespaces ? undefined : session.namespace;
  const listing = (): Promise<readonly GenericObject[]> =>
    listAll<GenericObject>(session.client, resource, { namespace, query: { labelSelector: flags.selector } });
  if (names === undefined) return listing();
  if (namespace === undefined)
    throw new CliError('a resource cannot be retrieved by name across all namespaces', exitCodes.usage, 'Name its namespace with -n.');
  const objects: GenericObject[] = [];
  for (const name of names) {
    const one = await getOrUndefined<GenericObject>(session.client, pathOf(resource, { namespace, name }));
    const found = one === undefined ? (await listing()).filter(({ metadata }) => metadata.name.startsWith(name)) : [one];
    // Nothing begins so either: the server's own NotFound is the message.
    if (found.length === 0) await session.client.json(pathOf(resource, { namespace, name }));
    objects.push(...found);
  }
  return objects;
}

interface Described {
  readonly resource: Resource;
  readonly object: GenericObject;
  readonly showEvents: boolean;
}

async function describeObject(session: Session, described: Described): Promise<string> {
  const { resource, object } = described;
  const events = described.showEvents ? await eventsOf(session, described) : [];
  switch (`${resource.group}/${resource.name}`) {
    case '/pods':
      return describePod(as<Pod>(object), events);
    case '/nodes':
      return describeNode({ node: as<Node>(object), ...(await nodeSurroundings(session, object.metadata.name)), events });
    case 'apps/deployments':
      return describeDeployment({ deployment: as<Deployment>(object), replicaSets: await ownedSets(session, object), events });
    case 'apps/replicasets':
      return describeReplicaSet({ set: as<ReplicaSet>(object), pods: await ownedPods(session, object), events });
    case '/configmaps':
      return describeConfigMap(as<ConfigMap>(object), events);
    case '/secrets':
      return describeSecret(as<Secret>(object), events);
    case '/services':
      return describeService({ service: as<Service>(object), slices: await slicesOf(session, object), events });
    default:
      return describeGeneric({ ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }, events);
  }
}

/** The resource says which kind it is. */
function as<T>(object: GenericObject): T {
  return object as unknown as T;
}

async function eventsOf({ client, discovery }: Session, { resource, object }: Described): Promise<readonly EventJson[]> {
  const { name, namespace } = object.metadata;
  const selector = [
    `involvedObject.name=${name}`,
    `involvedObject.kind=${resource.kind}`,
    ...(namespace === undefined ? [] : [`involvedObject.namespace=${namespace}`]),
  ];
  const query = { fieldSelector: selector.join(',') };
  return listAll<EventJson>(client, await discovery.find('events.v1'), { namespace, query });
}

async function nodeSurroundings(
  { client, discovery }: Session,
  name: string,
): Promise<{ readonly lease: Lease | undefined; readonly pods: readonly Pod[] }> {
  const [leases, pods] = await Promise.all([discovery.find('leases'), discovery.find('pods')]);
  const query = { fieldSelector: `spec.nodeName=${name},status.phase!=Succeeded,status.phase!=Failed` };
  return {
    lease: await getOrUndefined<Lease>(client, pathOf(leases, { namespace: 'kube-node-lease', name })),
    pods: await listAll<Pod>(client, pods, { namespace: undefined, query }),
  };
}

async function ownedSets({ client, discovery }: Session, { metadata, ...object }: GenericObject): Promise<readonly ReplicaSet[]> {
  const selector = formatSelector((object as Deployment).spec?.selector);
  const sets = await listAll<ReplicaSet>(client, await discovery.find('replicasets.apps'), {
    namespace: metadata.namespace,
    query: { labelSelector: selector },
  });
  return sets.filter((set) => set.metadata?.ownerReferences?.some((owner) => owner.uid === metadata['uid']) === true);
}

async function ownedPods({ client, discovery }: Session, { metadata, ...object }: GenericObject): Promise<readonly Pod[]> {
  const query = { labelSelector: formatSelector((object as ReplicaSet).spec?.selector) };
  const pods = await listAll<Pod>(client, await discovery.find('pods'), { namespace: metadata.namespace, query });
  return pods.filter((pod) => pod.metadata?.ownerReferences?.some((owner) => owner.uid === metadata['uid']) === true);
}

async function slicesOf({ client, discovery }: Session, { metadata }: GenericObject): Promise<readonly EndpointSlice[]> {
  const query = { labelSelector: `kubernetes.io/service-name=${metadata.name}` };
  return listAll<EndpointSlice>(client, await discovery.find('endpointslices'), { namespace: metadata.namespace, query });
}
