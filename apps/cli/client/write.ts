/** What the verbs that change objects share: where an object lives, patches, and going on after a failure. */
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { ApiError } from './api-client.js';
import type { Resource } from './discovery.js';
import type { Manifest } from './manifests.js';
import { pathOf, type Query } from './paths.js';
import type { Session } from './session.js';

/** Under this name `berth` owns the fields that it applies and edits. */
export const FIELD_MANAGER = 'berth';

/** The object's own namespace, or the session's. Throws CliError where `-n` contradicts the manifest. */
export function namespaceFor({ namespace, namespaceGiven }: Session, object: Manifest): string {
  const own = object.metadata.namespace;
  if (own === undefined || own === '' || own === namespace) return namespace;
  if (namespaceGiven)
    throw new CliError(
      `the namespace from the provided object "${own}" does not match the namespace "${namespace}".`,
      exitCodes.usage,
      `Leave out -n, or pass --namespace=${own}.`,
    );
  return own;
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export interface Patch {
  readonly resource: Resource;
  readonly name: string;
  readonly type: keyof typeof patchTypes;
  readonly body: unknown;
  readonly subresource?: string;
  readonly query?: Query;
}

/** Throws ApiError. */
export function patchObject<T>({ client, namespace }: Session, { resource, name, type, body, subresource, query }: Patch): Promise<T> {
  const path = pathOf(resource, { namespace, name, subresource, query: { fieldManager: FIELD_MANAGER, ...query } });
  return client.json<T>(path, { method: 'PATCH', contentType: patchTypes[type], body: JSON.stringify(body) });
}

/** Does the work for every item, reports failures as they come, and throws at the end when there were any. */
export async function forEach<T>(io: Io, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let exitCode: number = exitCodes.ok;
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      if (!(error instanceof CliError) || items.length === 1 || error.exitCode === exitCodes.unreachable) throw error;
      io.err.write(`${error instanceof ApiError ? '' : 'error: '}${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
      exitCode = error.exitCode;
    }
  }
  if (exitCode !== exitCodes.ok) throw new CliError('', exitCode);
}
