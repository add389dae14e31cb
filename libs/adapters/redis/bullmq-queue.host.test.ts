import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Logger } from '../../kit/index.js';
import type { OperationJob } from '../../operations/index.js';
import { openJobQueue } from './index.js';

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};
const job: OperationJob = { name: 'drain', uid: 'u1', attempt: 1 };
const folder = mkdtempSync(join(tmpdir(), 'berth-redis-'));
let port = 0;
let redis: ChildProcess | undefined;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

async function startRedis(): Promise<void> {
  redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''], { stdio: 'ignore' });
}

async function until(done: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error('not within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

beforeAll(async () => {
  port = await freePort();
});

afterAll(() => {
  redis?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('refuses fast while Redis is away, delivers once it is there, and one job id is one delivery', async () => {
  await using queue = openJobQueue({ url: `redis://127.0.0.1:${port}`, name: 'test', log: silent });
  await expect(queue.enqueue(job)).rejects.toThrow();
  expect(await queue.problem()).toBeDefined();
  await startRedis();
  await until(async () => (await queue.problem()) === undefined);
  await queue.enqueue(job);
  await queue.enqueue(job);
  const delivered: OperationJob[] = [];
  queue.work(async (taken) => void delivered.push(taken));
  await until(() => delivered.length > 0);
  expect(delivered).toEqual([job]);
});

test('a job whose worker was ended is delivered again to another', async () => {
  const url = `redis://127.0.0.1:${port}`;
  const first = openJobQueue({ url, name: 'stalled', log: silent });
  await until(async () => (await first.problem()) === undefined);
  await first.enqueue(job);
  let taken = false;
  first.work(async () => {
    taken = true;
    await new Promise(() => undefined);
  });
  await until(() => taken);
  await first[Symbol.asyncDispose]();
  await using second = openJobQueue({ url, name: 'stalled', log: silent });
  const delivered: OperationJob[] = [];
  second.work(async (again) => void delivered.push(again));
  await until(() => delivered.length > 0);
  expect(delivered).toEqual([job]);
});
