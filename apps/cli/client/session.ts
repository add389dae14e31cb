/** What a verb that talks to the API starts with: a client for the cluster that the global options name. */
import type { Command } from 'commander';
import { paint, type Io } from '../io.js';
import { ApiClient } from './api-client.js';
import { Discovery } from './discovery.js';
import { findKubeconfig, loadConnection, type Connection } from './kubeconfig.js';

export interface GlobalOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

export interface Session extends Disposable {
  readonly client: ApiClient;
  readonly discovery: Discovery;
  readonly namespace: string;
  /** Chosen by `-n`, and not by the kubeconfig. */
  readonly namespaceGiven: boolean;
}

/** `program` is the root command, which carries the global options. Throws CliError. */
export function openSession(program: Command, io: Io): Session {
  const { kubeconfig, context, namespace } = program.opts<GlobalOptions>();
  const connection = loadConnection(findKubeconfig(kubeconfig, io.env), context);
  return sessionWith(connection, io, namespace);
}

export function sessionWith(connection: Connection, io: Io, namespace?: string): Session {
  const client = new ApiClient(connection, (text) => io.err.write(`${paint(io, 'yellow', 'Warning:')} ${text}\n`));
  return {
    client,
    discovery: new Discovery(client),
    namespace: namespace ?? connection.namespace,
    namespaceGiven: namespace !== undefined,
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
