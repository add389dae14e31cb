/** The store that the configuration names. */
import { readFile } from 'node:fs/promises';
import { EtcdStore } from '../../libs/adapters/etcd/index.js';
import type { Clock, Logger } from '../../libs/kit/index.js';
import { MemoryStore, type Store } from '../../libs/storage/index.js';
import type { ControlPlaneConfig } from './config.js';

type EtcdConfig = Extract<ControlPlaneConfig['store'], { kind: 'etcd' }>;

export async function openStore(config: ControlPlaneConfig, clock: Clock, log: Logger): Promise<Store & AsyncDisposable> {
  if (config.store.kind === 'memory') {
    log.warn('state is kept in memory only and ends with this process');
    return Object.assign(new MemoryStore(clock), { [Symbol.asyncDispose]: () => Promise.resolve() });
  }
  const tls = await readTls(config.store);
  return new EtcdStore({ endpoints: config.store.endpoints.map(hostAndPort), clock, log, ...(tls === undefined ? {} : { tls }) });
}

/** `http://127.0.0.1:23790` and `127.0.0.1:23790` name the same endpoint. */
function hostAndPort(endpoint: string): string {
  return endpoint.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

async function readTls({ caFile, certFile, keyFile }: EtcdConfig): Promise<{ ca: string; certificate?: string; key?: string } | undefined> {
  if (caFile === undefined) return undefined;
  const read = (file: string): Promise<string> => readFile(file, 'utf8');
  const identity = certFile === undefined || keyFile === undefined ? {} : { certificate: await read(certFile), key: await read(keyFile) };
  return { ca: await read(caFile), ...identity };
}
