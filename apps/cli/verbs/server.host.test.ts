/** berth server as a service manager runs it: it says when it is ready, ends its parts in order, and ends when one of them does. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseJoinToken } from '../../../libs/gateway/join-token.js';
import { distDir } from '../cluster/up.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-server-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The first of two neighbouring ports: etcd takes both. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Served extends Disposable {
  readonly process: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

async function serve(): Promise<Served> {
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()];
  const names = ['--api-port', '--gateway-port', '--etcd-port', '--redis-port'];
  const flags = names.flatMap((name, index) => [name, String(ports[index])]);
  const process_ = spawn(process.execPath, [
    join(distDir, 'apps/cli/main.js'),
    'server',
    '--data-dir',
    folder,
    '--advertise-address',
    '127.0.0.1',
    ...flags,
  ]);
  let [out, err] = ['', ''];
  process_.stdout.on('data', (data: Buffer) => (out += data.toString()));
  process_.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const ended = new Promise<number | string>((resolve) => process_.on('exit', (code, signal) => resolve(code ?? signal ?? '')));
  return { process: process_, out: () => out, err: () => err, ended, [Symbol.dispose]: () => void process_.kill('SIGKILL') };
}

async function until(what: string, done: () => boolean): Promise<void> {
  for (let left = 600; left > 0; left--) {
    if (done()) return;
    await sleep(50);
  }
  throw new Error(`never: ${what}`);
}

/** Processes whose command line names our folder, apart from the server itself. */
function parts(): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const file = `/proc/${pid}/cmdline`;
      const command = existsSync(file) ? readQuietly(file) : '';
      return command.includes(folder) && !command.includes('main.js server') ? [{ pid: Number(pid), command }] : [];
    });
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

describe('berth server', () => {
  test('prints the line to join with when it is ready, and SIGTERM ends everything in order', async () => {
    using server = await serve();
    await until('ready', () => server.out() !== '');
    const [, verb, token = ''] = server.out().trim().split(' ');
    expect(verb).toBe('join');
    expect(parseJoinToken(token).address).toMatch(/^127\.0\.0\.1:\d+$/);
    const berth = [join(distDir, 'apps/cli/main.js'), '--kubeconfig', join(folder, 'admin.kubeconfig')];
    expect(execFileSync(process.execPath, [...berth, 'get', 'ns', 'default', '-o', 'name'], { encoding: 'utf8' })).toBe(
      'namespace/default\n',
    );
    server.process.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(parts()).toEqual([]);
  }, 60_000);

  test('ends with 1 when a part of it ends, and leaves none of the others', async () => {
    using server = await serve();
    await until('ready', () => server.out() !== '');
    const etcd = parts().find(({ command }) => command.startsWith('etcd'));
    process.kill(etcd?.pid ?? 0, 'SIGKILL');
    expect(await server.ended).toBe(1);
    expect(server.err()).toContain('etcd ended with SIGKILL; the other parts were ended');
    expect(parts()).toEqual([]);
  }, 60_000);

  test('leaves nothing behind even when it is killed itself', async () => {
    using server = await serve();
    await until('ready', () => server.out() !== '');
    server.process.kill('SIGKILL');
    await server.ended;
    await until('its parts have ended', () => parts().length === 0);
  }, 60_000);
});
