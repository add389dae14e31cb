/** berth delete: removes objects, and by default waits until they are gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { ApiError } from '../client/api-client.js';
import type { Resource } from '../client/discovery.js';
import { getOrUndefined, listAll } from '../client/fetch.js';
import { readManifests } from '../client/manifests.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { parseTargets } from '../client/targets.js';
import { forEach, namespaceFor } from '../client/write.js';
import { CliError, exitCodes } from '../errors.js';
import { paint, type Io } from '../io.js';
import { objectName } from '../output/format.js';
import { typeName } from '../client/discovery.js';
import { collect, dryRunQuery, dryRunSuffix, duration, examples, inSession, wholeNumber, type Verb } from '../verb.js';

interface DeleteFlags {
  readonly filename: readonly string[];
  readonly recursive: boolean;
  readonly all: boolean;
  readonly allNamespaces: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly cascade: string;
  readonly force: boolean;
  readonly gracePeriod: number;
  readonly now: boolean;
  readonly ignoreNotFound: boolean;
  readonly wait: boolean;
  readonly timeout: number;
  readonly dryRun?: string;
  readonly output?: string;
}

export const deleteVerb: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('delete [types] [names...]')
      .summary('delete objects')
      .description('Deletes objects by name, by labels or by manifest, and waits until they are gone.')
      .option('-f, --filename <file>', 'the objects that a manifest names (file, folder or -)', collect, [])
      .option('-R, --recursive', 'folders with those below them', false)
      .option('--all', 'all objects of the type in the namespace', false)
      .option('-A, --all-namespaces', 'with --all or a selector: in all namespaces', false)
      .option('-l, --selector <labels>', 'objects with these labels')
      .option('--field-selector <fields>', 'objects with these fields')
      .option('--cascade <background|foreground|orphan>', 'what happens to what the object owns', 'background')
      .option('--grace-period <seconds>', 'time to end; -1 = the object’s own', wholeNumber('--grace-period', -1), -1)
      .option('--now', 'the same as --grace-period=1', false)
      .option('--force', 'do not wait for the host; needs --grace-period=0 or implies it', false)
      .option('--ignore-not-found', 'no error for objects that do not exist', false)
      .option('--no-wait', 'do not wait until the objects are gone')
      .option('--timeout <duration>', 'how long to wait at most (0s = as long as it takes)', duration('--timeout'), 0)
      .option('--dry-run <none|server>', 'server: answer as if, but delete nothing')
      .option('-o, --output <name>', 'name: print only type/name')
      .action((types: string | undefined, names: readonly string[], flags: DeleteFlags) =>
        inSession(program, io, (session) => runDelete(session, io, { words: types === undefined ? [] : [types, ...names], flags })),
      );
    examples(command, [
      ['What a manifest made', 'berth delete -f manifests/shop'],
      ['By labels', 'berth delete pods,svc -l app=web'],
      ['Two objects', 'berth delete deploy/web svc/web'],
    ]);
  },
};

interface Doomed {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

async function runDelete(
  session: Session,
  io: Io,
  request: { readonly words: readonly string[]; readonly flags: DeleteFlags },
): Promise<void> {
  const { flags } = request;
  dryRunQuery(flags.dryRun);
  if (flags.force)
    io.err.write(
      `${paint(io, 'yellow', 'Warning:')} Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n`,
    );
  const doomed = await find(session, io, request);
  if (doomed.length === 0) {
    io.err.write('No resources found\n');
    return;
  }
  const deleted: (Doomed & { readonly uid: string | undefined })[] = [];
  await forEach(io, doomed, async (one) => {
    const uid = await deleteOne(session, io, { one, flags });
    if (uid !== 'missing') deleted.push({ ...one, uid });
  });
  if (!flags.wait || flags.dryRun === 'server' || flags.force) return;
  await waitUntilGone(session, deleted, flags.timeout);
}

async function find(
  session: Session,
  io: Io,
  request: { readonly words: readonly string[]; readonly flags: DeleteFlags },
): Promise<readonly Doomed[]> {
  const { words, flags } = request;
  if (flags.filename.length > 0) {
    const manifests = await readManifests(flags.filename, { stdin: io.in, recursive: flags.recursive });
    return Promise.all(
      manifests.map(async ({ object }) => ({
        resource: await session.discovery.ofKind(object.apiVersion, object.kind),
        namespace: namespaceFor(session, object),
        name: object.metadata.name ?? '',
      })),
    );
  }
  const targets = await parseTargets(words, session.discovery);
  const hasSelector = flags.selector !== undefined || flags.fieldSelector !== undefined || flags.all;
  const found: Doomed[] = [];
  for (const { resource, names } of targets) {
    if (names === undefined && !hasSelector)
      throw new CliError('resource(s) were provided, but no name was specified', exitCodes.usage, 'Name them, or choose with -l or --all.');
    if (names !== undefined) found.push(...names.map((name) => ({ resource, namespace: session.namespace, name })));
    else found.push(...(await matching(session, resource, flags)));
  }
  return found;
}

async function matching(session: Session, resource: Resource, flags: DeleteFlags): Promise<readonly Doomed[]> {
  const items = await listAll<{ readonly metadata: { readonly name: string; readonly namespace?: string } }>(session.client, resource, {
    namespace: flags.allNamespaces ? undefined : session.namespace,
    query: { labelSelector: flags.selector, fieldSelector: flags.fieldSelector },
  });
  return items.map(({ metadata }) => ({ resource, name: metadata.name, namespace: metadata.namespace ?? session.namespace }));
}

const propagation: Readonly<Record<string, string>> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
  true: 'Background',
  false: 'Orphan',
};

/** Answers the uid of what was deleted, `missing` where there was nothing and that is allowed. */
async function deleteOne(
  { client }: Session,
  io: Io,
  { one, flags }: { readonly one: Doomed; readonly flags: DeleteFlags },
): Promise<string | undefined> {
  const policy = propagation[flags.cascade];
  if (policy === undefined) throw new CliError(`--cascade=${flags.cascade}: must be background, foreground or orphan`, exitCodes.usage);
  const grace = flags.force ? Math.max(flags.gracePeriod, 0) : flags.now ? 1 : flags.gracePeriod;
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: policy,
    ...(grace >= 0 && { gracePeriodSeconds: grace }),
    ...(flags.dryRun === 'server' && { dryRun: ['All'] }),
  };
  try {
    const answer = await client.json<Answered>(pathOf(one.resource, one), { method: 'DELETE', body: JSON.stringify(body) });
    io.out.write(flags.output === 'name' ? `${objectName(one.resource, one.name)}\n` : `${said(one, flags)}\n`);
    return answer.kind === 'Status' ? answer.details?.uid : answer.metadata?.uid;
  } catch (error) {
    if (flags.ignoreNotFound && error instanceof ApiError && error.status === 404) return 'missing';
    throw error;
  }
}

interface Answered {
  readonly kind: string;
  readonly metadata?: { readonly uid?: string };
  readonly details?: { readonly uid?: string };
}

function said({ resource, name, namespace }: Doomed, flags: DeleteFlags): string {
  const place = resource.namespaced ? ` from ${namespace} namespace` : '';
  return `${typeName(resource)} "${name}" ${flags.force ? 'force deleted' : 'deleted'}${place}${dryRunSuffix(flags.dryRun)}`;
}

const POLL_FIRST_MS = 25;
const POLL_MAX_MS = 500;

/** An object of the same name but another uid is a new one: the old one is gone. */
async function waitUntilGone(
  { client }: Session,
  deleted: readonly (Doomed & { readonly uid: string | undefined })[],
  timeoutMs: number,
): Promise<void> {
  const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : Infinity;
  let pauseMs = POLL_FIRST_MS;
  for (const one of deleted) {
    for (;;) {
      const left = await getOrUndefined<{ readonly metadata: { readonly uid?: string } }>(client, pathOf(one.resource, one));
      if (left === undefined || (one.uid !== undefined && left.metadata.uid !== one.uid)) break;
      if (performance.now() > deadline)
        throw new CliError(
          `timed out waiting for the condition on ${objectName(one.resource, one.name)}`,
          exitCodes.failed,
          finalizerHint(one),
        );
      await sleep(pauseMs);
      pauseMs = Math.min(POLL_MAX_MS, pauseMs * 1.5);
    }
  }
}

function finalizerHint({ resource, name, namespace }: Doomed): string {
  const place = resource.namespaced ? ` -n ${namespace}` : '';
  return `It is being deleted; what holds it up: berth get ${objectName(resource, name)}${place} -o jsonpath={.metadata.finalizers}`;
}
