/**
 * berth apply: manifests become objects, by server-side apply. It prints what `kubectl apply` prints: created, configured,
 * unchanged. Fields that were last changed by hand (kubectl, berth) are taken over with a warning; fields that a controller
 * or another tool owns are refused, because it would write them back.
 */
import type { Command } from 'commander';
import { ApiError, decodeFailure, type StatusCause } from '../client/api-client.js';
import { getOrUndefined } from '../client/fetch.js';
import { readManifests, type FoundManifest } from '../client/manifests.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { FIELD_MANAGER, forEach, namespaceFor } from '../client/write.js';
import { CliError, exitCodes } from '../errors.js';
import { paint, type Io } from '../io.js';
import { objectName, parseFormat, printObject } from '../output/format.js';
import { sorted } from '../output/structured.js';
import { collect, dryRunQuery, dryRunSuffix, examples, inSession, type Verb } from '../verb.js';

interface ApplyFlags {
  readonly filename: readonly string[];
  readonly recursive: boolean;
  readonly dryRun?: string;
  readonly forceConflicts: boolean;
  readonly fieldManager: string;
  readonly output?: string;
  readonly validate: string;
}

export const apply: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('apply')
      .summary('create or change objects from manifests')
      .description(
        'Makes the objects of the manifests be as they say, by server-side apply: fields that a manifest does not name stay.\nRunning it again changes nothing.',
      )
      .requiredOption('-f, --filename <file>', 'file, folder or - for standard input; may be repeated', collect)
      .option('-R, --recursive', 'folders with those below them', false)
      .option('--dry-run <none|server>', 'server: validate and admit, but do not store')
      .option('--force-conflicts', 'take over fields that somebody else owns', false)
      .option('--field-manager <name>', 'name under which the fields are owned', FIELD_MANAGER)
      .option('--server-side', 'accepted for kubectl users: it is always so', true)
      .option('--validate <strict|warn|ignore>', 'what to do about unknown and repeated fields', 'strict')
      .option('-o, --output <format>', 'print the objects: yaml, json, name, jsonpath=...')
      .action((flags: ApplyFlags) => inSession(program, io, (session) => runApply(session, io, flags)));
    examples(command, [
      ['A folder of manifests', 'berth apply -f manifests/shop'],
      ['From another command', 'helm template web ./chart | berth apply -f -'],
      ['What would the server say?', 'berth apply -f web.yaml --dry-run=server'],
    ]);
  },
};

const validations: Readonly<Record<string, string>> = { strict: 'Strict', warn: 'Warn', ignore: 'Ignore', true: 'Strict', false: 'Ignore' };

async function runApply(session: Session, io: Io, flags: ApplyFlags): Promise<void> {
  dryRunQuery(flags.dryRun);
  if (validations[flags.validate] === undefined)
    throw new CliError(`--validate=${flags.validate}: must be strict, warn or ignore`, exitCodes.usage);
  const manifests = await readManifests(flags.filename, { stdin: io.in, recursive: flags.recursive });
  await forEach(io, manifests, (manifest) => applyOne(session, io, { manifest, flags }));
}

interface Applying {
  readonly manifest: FoundManifest;
  readonly flags: ApplyFlags;
}

async function applyOne(session: Session, io: Io, { manifest, flags }: Applying): Promise<void> {
  const { object, source } = manifest;
  const { name } = object.metadata;
  if (name === undefined)
    throw new CliError(
      object.metadata.generateName === undefined
        ? `error when retrieving current configuration of ${source}: resource name may not be empty`
        : `from ${object.metadata.generateName}: cannot use generate name with apply`,
      exitCodes.failed,
      'Give the object a metadata.name.',
    );
  const resource = await session.discovery.ofKind(object.apiVersion, object.kind);
  const namespace = namespaceFor(session, object);
  const path = pathOf(resource, { namespace, name });
  // What a dry run answers keeps the old version: only the whole objects tell whether it would change anything.
  const before = await getOrUndefined<Versioned>(session.client, path, flags.dryRun === 'server' ? undefined : METADATA_ACCEPT);
  const query = { ...dryRunQuery(flags.dryRun), fieldManager: flags.fieldManager, fieldValidation: validations[flags.validate] };
  const after = await applyOrTakeOver(session, io, {
    name: objectName(resource, name),
    send: (force) => ({ path: pathOf(resource, { namespace, name, query: { ...query, force } }), body: JSON.stringify(object) }),
    force: flags.forceConflicts,
  });
  const format = parseFormat(flags.output);
  if (format.is === 'name') io.out.write(`${objectName(resource, name)}\n`);
  else if (format.is !== 'table') io.out.write(printObject(format, after));
  else io.out.write(`${objectName(resource, name)} ${outcome(io, before, after)}${dryRunSuffix(flags.dryRun)}\n`);
}

interface Versioned {
  readonly kind?: string;
  readonly metadata: { readonly resourceVersion?: string; readonly generation?: number; readonly managedFields?: unknown };
}

const METADATA_ACCEPT = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json';

function outcome(io: Io, before: Versioned | undefined, after: Versioned): string {
  if (before === undefined) return paint(io, 'green', 'created');
  return isSame(before, after) ? 'unchanged' : paint(io, 'yellow', 'configured');
}

function isSame(before: Versioned, after: Versioned): boolean {
  if (before.kind === 'PartialObjectMetadata') return before.metadata.resourceVersion === after.metadata.resourceVersion;
  const content = (object: Versioned): string => {
    const { managedFields: _fields, resourceVersion: _version, generation: _generation, ...metadata } = object.metadata;
    return JSON.stringify(sorted({ ...object, metadata }));
  };
  return content(before) === content(after);
}

interface ApplyRequest {
  readonly name: string;
  readonly send: (force: string | undefined) => { readonly path: string; readonly body: string };
  readonly force: boolean;
}

async function applyOrTakeOver({ client }: Session, io: Io, { name, send, force }: ApplyRequest): Promise<Versioned> {
  const attempt = async (forced: boolean): Promise<Versioned> => {
    const { path, body } = send(forced ? 'true' : undefined);
    const answer = await client.send(path, { method: 'PATCH', contentType: 'application/apply-patch+yaml', body });
    if (answer.status >= 400) throw decodeFailure(answer);
    return decodeObject(answer.text);
  };
  try {
    return await attempt(force);
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'Conflict' || error.causes.length === 0) throw error;
    const owners = conflictOwners(error.causes);
    if (!owners.every(isByHand)) throw explained(error, owners);
    const fields = error.causes.map(({ field }) => field ?? '').join(', ');
    io.err.write(`${paint(io, 'yellow', 'Warning:')} ${name}: taking over ${fields}, last changed by ${owners.join(', ')}\n`);
    return attempt(true);
  }
}

function decodeObject(text: string): Versioned {
  return JSON.parse(text) as Versioned;
}

/** The field managers that the causes of a conflict name. */
export function conflictOwners(causes: readonly StatusCause[]): readonly string[] {
  const names = causes.flatMap(({ message }) => /conflict with "([^"]+)"/.exec(message ?? '')?.[1] ?? []);
  return [...new Set(names)];
}

/** Command line tools: what they changed, a person meant to change then, and means to change now. */
export function isByHand(manager: string): boolean {
  return manager === FIELD_MANAGER || manager === 'before-first-apply' || /^kubectl(-|$)/.test(manager);
}

function explained(error: ApiError, owners: readonly string[]): CliError {
  return new CliError(
    error.message,
    exitCodes.failed,
    `Leave these fields out of the manifest, so that ${owners.join(', ')} goes on owning them, or take them over with --force-conflicts.`,
  );
}
