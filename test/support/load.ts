/** HTTP load from a host of a test cluster. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestCluster } from './test-cluster.js';

export interface LoadOutcome {
  readonly requests: number;
  readonly failures: readonly string[];
  /** How often each answer came. */
  readonly bodies: Readonly<Record<string, number>>;
}

export interface Load extends Disposable {
  /** Ends it, waits for open requests, and counts. */
  stop(): Promise<LoadOutcome>;
}

export interface LoadOptions {
  readonly host: number;
  readonly perSecond: number;
  readonly urls: readonly string[];
}

/** Asks for the URLs in turn, each time on a new connection, until it is stopped. */
export function startLoad(cluster: TestCluster, { host, perSecond, urls }: LoadOptions): Load {
  const program = fileURLToPath(new URL('./load-main.js', import.meta.url));
  const child = spawn('nsenter', [`--net=/run/netns/${cluster.netns(host)}`, process.execPath, program, String(perSecond), ...urls], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      return JSON.parse(output) as LoadOutcome;
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}
