/** `kubectl port-forward`: a TCP connection made inside a pod's network namespace, by socat as a small child in it. */
import { spawn } from 'node:child_process';
import type { RemoteConnection } from '../../apiserver/index.js';
import { signalProcess } from '../process/process-identity.js';
import { ignoreBrokenPipe, writeInput } from './write-input.js';

const CONNECT_TIMEOUT_SECONDS = 10;

export class ConnectError extends Error {
  override readonly name = 'ConnectError';
}

/** `netnsPath` absent: the agent's own network. Throws ConnectError where nothing listens. */
export async function connectInside(netnsPath: string | undefined, port: number): Promise<RemoteConnection> {
  const socat = ['socat', '-d', '-d', '-', `TCP4:127.0.0.1:${port},connect-timeout=${CONNECT_TIMEOUT_SECONDS}`];
  const [file = '', ...args] = netnsPath === undefined ? socat : ['nsenter', `--net=${netnsPath}`, ...socat];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  ignoreBrokenPipe(child.stdin);
  await connected(child, port);
  return {
    input: child.stdout,
    write: (data) => writeInput(child.stdin, data),
    end: () => void child.stdin.end(),
    [Symbol.asyncDispose]: async () => {
      if (child.pid !== undefined && child.exitCode === null) signalProcess(child.pid, 'SIGKILL');
      child.stdin.destroy();
      child.stdout.destroy();
    },
  };
}

/** socat tells on its standard error when the connection stands. */
function connected(child: ReturnType<typeof spawn>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (words.length < 4096) words += text;
      if (words.includes('starting data transfer loop')) resolve();
    });
    child.once('error', (error) => reject(new ConnectError(error.message)));
    child.once('exit', () => reject(new ConnectError(`failed to connect to 127.0.0.1:${port} in the pod: ${reasonIn(words)}`)));
  });
}

function reasonIn(words: string): string {
  return / E .*?: (?<reason>[^:\n]+)$/m.exec(words)?.groups?.['reason'] ?? (words.trim() || 'the connection could not be made');
}
