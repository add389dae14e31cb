/** What a verb that talks to the API starts with: a client for the cluster that the global options name. */
import type { Command } from 'commander';
import type { Io } from '../io.js';
import { ApiClient } from './api-client.js';
import { findKubeconfig, loadConnection } from './kubeconfig.js';

export interface GlobalOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

export interface Session extends Disposable {
  readonly client: ApiClient;
  readonly namespace: string;
}

/** `program` is the root command, which carries the global options. Throws CliError. */
export function openSession(program: Command, io: Io): Session {
  const { kubeconfig, context, namespace } = program.opts<GlobalOptions>();
  const connection = loadConnection(findKubeconfig(kubeconfig, io.env), context);
  const client = new ApiClient(connection);
  return { client, namespace: namespace ?? connection.namespace, [Symbol.dispose]: () => client[Symbol.dispose]() };
}
