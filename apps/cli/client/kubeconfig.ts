/** Reads the part of a kubeconfig that a client needs: the current context's server, CA and credentials. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { CliError, exitCodes } from '../errors.js';

export interface Connection {
  readonly server: URL;
  readonly namespace: string;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
  readonly insecure: boolean;
}

interface Named<T> {
  readonly name: string;
  readonly value: T | undefined;
}
interface ClusterEntry {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
}
interface UserEntry {
  readonly token?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
}

const localClusterKubeconfig = '/var/lib/berth/admin.kubeconfig';

/** `--kubeconfig`, then $KUBECONFIG, then this machine's cluster, then ~/.kube/config. */
export function findKubeconfig(flag: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const listed = env['KUBECONFIG']?.split(':').find((path) => path !== '' && existsSync(path));
  const candidates = [flag, listed, localClusterKubeconfig, join(homedir(), '.kube/config')];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (flag !== undefined && found !== flag) throw new CliError(`--kubeconfig ${flag}: no such file`, exitCodes.usage);
  if (found === undefined)
    throw new CliError(
      'no cluster is configured here',
      exitCodes.unreachable,
      'Start one with "berth up", or name a kubeconfig with --kubeconfig.',
    );
  return found;
}

/** Throws CliError (usage) for a file that is not a kubeconfig or lacks the context. */
export function loadConnection(file: string, contextName?: string): Connection {
  const config = decodeConfig(readFileSync(file, 'utf8'), file);
  const context = find(config.contexts, contextName ?? config.currentContext);
  if (context === undefined)
    throw new CliError(`${file}: no context ${JSON.stringify(contextName ?? config.currentContext)}`, exitCodes.usage);
  const cluster = find(config.clusters, context.cluster);
  const user = find(config.users, context.user) ?? {};
  if (cluster?.server === undefined)
    throw new CliError(`${file}: cluster ${JSON.stringify(context.cluster)} has no server`, exitCodes.usage);
  const material = (data: string | undefined, path: string | undefined): string | undefined => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    return path === undefined ? undefined : readFileSync(resolve(dirname(file), path), 'utf8');
  };
  return {
    server: new URL(cluster.server),
    namespace: context.namespace ?? 'default',
    ca: material(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert: material(user['client-certificate-data'], user['client-certificate']),
    key: material(user['client-key-data'], user['client-key']),
    token: user.token,
    insecure: cluster['insecure-skip-tls-verify'] === true,
  };
}

interface Kubeconfig {
  readonly currentContext: string;
  readonly contexts: readonly Named<{ readonly cluster: string; readonly user: string; readonly namespace?: string }>[];
  readonly clusters: readonly Named<ClusterEntry>[];
  readonly users: readonly Named<UserEntry>[];
}

function find<T>(list: readonly Named<T>[], name: string): T | undefined {
  return list.find((entry) => entry.name === name)?.value;
}

function decodeConfig(text: string, file: string): Kubeconfig {
  const raw: unknown = parse(text);
  if (typeof raw !== 'object' || raw === null) throw new CliError(`${file} is not a kubeconfig`, exitCodes.usage);
  const record = raw as Record<string, unknown>;
  const named = <T>(list: unknown, field: string): readonly Named<T>[] =>
    (Array.isArray(list) ? (list as Record<string, unknown>[]) : []).map((entry) => ({
      name: String(entry['name']),
      value: entry[field] as T | undefined,
    }));
  return {
    currentContext: String(record['current-context'] ?? ''),
    contexts: named(record['contexts'], 'context'),
    clusters: named(record['clusters'], 'cluster'),
    users: named(record['users'], 'user'),
  };
}
