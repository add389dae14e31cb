/** An etcd of one member as a child process: what `berth up` and the tests start. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EtcdConnection } from './connection.js';

export interface EtcdServerOptions {
  /** Made when missing, readable by the owner only. Holds `member/` and `etcd.log`. */
  readonly dataDir: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Default `berth`. */
  readonly name?: string;
  /** Program; default `etcd` from the PATH. */
  readonly program?: string;
  /** Default 30,000. */
  readonly readyTimeoutMs?: number;
}

export interface EtcdServer extends AsyncDisposable {
  /** `127.0.0.1:<clientPort>` */
  readonly endpoint: string;
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<void>;
}

const STOP_MS = 5_000;
const POLL_MS = 20;

/** Starts etcd on loopback and resolves when it answers. Throws with the last lines of its log when it does not come up. */
export async function startEtcd(options: EtcdServerOptions): Promise<EtcdServer> {
  const endpoint = `127.0.0.1:${options.clientPort}`;
  for (const port of [options.clientPort, options.peerPort]) await checkFree(port);
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const logPath = join(options.dataDir, 'etcd.log');
  const logFile = openSync(logPath, 'w', 0o600);
  // Only the PATH is passed on: ETCD_* variables of the surroundings would be options.
  const child = spawn(options.program ?? 'etcd', serverArguments(options), {
    stdio: ['ignore', logFile, logFile],
    env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', GOGC: '60' },
  });
  closeSync(logFile);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = (): Promise<void> => stopChild(child, exited);
  try {
    await untilReady(child, exited, { endpoint, timeoutMs: options.readyTimeoutMs ?? 30_000 });
  } catch (error) {
    await stop();
    const tail = (await readFile(logPath, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n');
    throw new Error(`etcd did not start on ${endpoint} (data in ${options.dataDir}): ${(error as Error).message}\n${tail}`, {
      cause: error,
    });
  }
  return { endpoint, pid: child.pid ?? 0, exited, [Symbol.asyncDispose]: stop };
}

/** Another etcd on the port would answer in place of the new one, so this is asked first. */
async function checkFree(port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => reject(new Error(`etcd cannot listen on 127.0.0.1:${port}: ${error.message}`, { cause: error })));
    probe.listen(port, '127.0.0.1', resolve);
  });
  await new Promise<void>((resolve) => probe.close(() => resolve()));
}

function serverArguments(options: EtcdServerOptions): string[] {
  const client = `http://127.0.0.1:${options.clientPort}`;
  const peer = `http://127.0.0.1:${options.peerPort}`;
  const name = options.name ?? 'berth';
  const flags = {
    name,
    'data-dir': options.dataDir,
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `${name}=${peer}`,
    'max-txn-ops': '1024', // nested transactions in groups
    'max-request-bytes': '8388608',
    'snapshot-count': '10000', // keeps fewer entries in memory than the default
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': '10m',
    'quota-backend-bytes': '4294967296',
    logger: 'zap',
    'log-level': 'warn',
  };
  return Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
}

async function untilReady(
  child: ChildProcess,
  exited: Promise<void>,
  { endpoint, timeoutMs }: { readonly endpoint: string; readonly timeoutMs: number },
): Promise<void> {
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  void exited.then(() => (failed ??= new Error(`it ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`)));
  const connection = new EtcdConnection({ endpoints: [endpoint] });
  try {
    for (const deadline = Date.now() + timeoutMs; ;) {
      if (failed !== undefined) throw failed;
      const answered = await connection.call('range', { key: Buffer.from([0]), count_only: true }, 1_000).catch((error: unknown) => {
        if (Date.now() > deadline) throw error;
        return undefined;
      });
      if (answered !== undefined && child.exitCode === null && failed === undefined) return;
      await sleep(POLL_MS);
    }
  } finally {
    connection.close();
  }
}

async function stopChild(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await Promise.race([exited, once(child, 'exit')]);
  clearTimeout(timer);
}
