import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ContainerSpec } from '../../agent/index.js';
import type { RemoteProcess } from '../../apiserver/index.js';
import type { RuncRuntime } from './runc-runtime.js';
import { TestHost } from './testing/test-host.js';

let host: TestHost;
let runtime: RuncRuntime;
let spec: ContainerSpec;

beforeAll(async () => {
  host = new TestHost();
  runtime = await host.open();
  spec = await run(host.shell('echo up; nc -ll -p 8080 -e cat & while :; do sleep 1; done'));
});

afterAll(async () => {
  for (const uid of await runtime.sandboxes()) await runtime.removeSandbox(uid);
  expect(host.leftovers()).toEqual({ mounts: [], cgroups: [], processes: [], files: [] });
  runtime[Symbol.dispose]();
  await host[Symbol.asyncDispose]();
});

async function run(wanted: ContainerSpec): Promise<ContainerSpec> {
  await runtime.ensureSandbox({ pod: wanted.pod, hostname: 'exec-host', hosts: '', resolvConf: '' });
  await runtime.run(wanted);
  return wanted;
}

/** Reads until the text appears; answers everything read. */
async function until(output: AsyncIterator<{ readonly data: Uint8Array }>, text: string): Promise<string> {
  let seen = '';
  while (!seen.includes(text)) {
    const next = await output.next();
    if (next.done === true) throw new Error(`ended before ${text}: ${JSON.stringify(seen)}`);
    seen += Buffer.from(next.value.data).toString();
  }
  return seen;
}

async function all(process: RemoteProcess): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const text = { stdout: '', stderr: '' };
  for await (const { stream, data } of process.output) text[stream] += Buffer.from(data).toString();
  return text;
}

/** The size travels by a signal, so the first answer may still be the old one. */
async function sizeBecomes(program: RemoteProcess, output: AsyncIterator<{ readonly data: Uint8Array }>, size: string): Promise<void> {
  await program.writeStdin(Buffer.from(`while [ "$(stty size)" != "${size}" ]; do sleep 0.02; done; echo size is'-'$(stty size)\n`));
  await until(output, `size is-${size}`);
}

describe('exec without a terminal', () => {
  test('keeps the streams apart and reports the exit code', async () => {
    await using program = await runtime.exec(spec.id, {
      command: ['sh', '-c', 'echo out; echo err >&2; exit 7'],
      tty: false,
      stdin: false,
    });
    expect(await all(program)).toEqual({ stdout: 'out\n', stderr: 'err\n' });
    expect(await program.exit).toEqual({ kind: 'exited', code: 7 });
  });

  test('passes a large input through, byte for byte, until it is closed', async () => {
    await using program = await runtime.exec(spec.id, { command: ['wc', '-c'], tty: false, stdin: true });
    for (let i = 0; i < 64; i++) await program.writeStdin(new Uint8Array(65_536).fill(i));
    program.closeStdin();
    expect((await all(program)).stdout.trim()).toBe(String(64 * 65_536));
    expect(await program.exit).toEqual({ kind: 'exited', code: 0 });
  });

  test('gives out a large output whole, however slowly it is read', async () => {
    await using program = await runtime.exec(spec.id, { command: ['head', '-c', '20000000', '/dev/zero'], tty: false, stdin: false });
    let bytes = 0;
    for await (const { data } of program.output) {
      bytes += data.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(bytes).toBe(20_000_000);
  });

  test('of a program that does not exist fails with the words of the runtime', async () => {
    await using program = await runtime.exec(spec.id, { command: ['/nope'], tty: false, stdin: false });
    expect(await all(program)).toEqual({ stdout: '', stderr: '' });
    expect(await program.exit).toEqual({ kind: 'failed', message: expect.stringContaining('no such file or directory') });
  });

  test('ends with everything it started when the session is closed', async () => {
    const program = await runtime.exec(spec.id, { command: ['sh', '-c', 'sleep 4321 & echo ready; wait'], tty: false, stdin: false });
    await until(program.output[Symbol.asyncIterator](), 'ready');
    await program[Symbol.asyncDispose]();
    await using ps = await runtime.exec(spec.id, { command: ['ps'], tty: false, stdin: false });
    expect((await all(ps)).stdout).not.toContain('sleep 4321');
  });
});

describe('exec with a terminal', () => {
  test('is a terminal of the size that was asked for, and follows a new one', async () => {
    await using program = await runtime.exec(spec.id, { command: ['sh'], tty: true, stdin: true });
    program.resize(100, 30);
    const output = program.output[Symbol.asyncIterator]();
    await until(output, '#');
    await sizeBecomes(program, output, '30 100');
    program.resize(132, 43);
    await sizeBecomes(program, output, '43 132');
    await program.writeStdin(Buffer.from('exit 9\n'));
    expect(await program.exit).toEqual({ kind: 'exited', code: 9 });
  });

  test('fails where the program does not exist', async () => {
    await using program = await runtime.exec(spec.id, { command: ['/nope'], tty: true, stdin: true });
    expect(await program.exit).toEqual({ kind: 'failed', message: expect.stringContaining('no such file or directory') });
  });
});

describe('execSync', () => {
  test('captures output and exit code', async () => {
    expect(await runtime.execSync(spec.id, ['sh', '-c', 'echo a; echo b >&2; exit 2'], 5_000)).toEqual({
      exit: { kind: 'exited', code: 2 },
      timedOut: false,
      output: expect.stringMatching(/^(a\nb\n|b\na\n)$/),
    });
  });

  test('kills the program and its children at the timeout', async () => {
    const begun = Date.now();
    const result = await runtime.execSync(spec.id, ['sh', '-c', 'sleep 1234 & sleep 1234'], 200);
    expect(result).toMatchObject({ timedOut: true });
    expect(Date.now() - begun).toBeLessThan(3_000);
    expect((await runtime.execSync(spec.id, ['ps'], 5_000)).output).not.toContain('sleep 1234');
  });
});

describe('connect', () => {
  test('reaches a port that listens inside the pod only', async () => {
    await using connection = await runtime.connect(spec.pod.metadata.uid, 8080);
    await connection.write(Buffer.from('ping\n'));
    for await (const data of connection.input) {
      expect(Buffer.from(data).toString()).toBe('ping\n');
      break;
    }
  });

  test('fails where nothing listens', async () => {
    await expect(runtime.connect(spec.pod.metadata.uid, 81)).rejects.toThrow('Connection refused');
  });
});

describe('attach', () => {
  test('types into a container and shows what it says; how that ends is for the pod to tell', async () => {
    const shell = await run(host.shell('while read line; do echo "got $line"; [ "$line" = end ] && exit 3; done', { stdin: true }));
    await using session = await runtime.attach(shell.id, { tty: false, stdin: true });
    const output = session.output[Symbol.asyncIterator]();
    const greeting = until(output, 'got hello');
    await session.writeStdin(Buffer.from('hello\n'));
    await greeting;
    await session.writeStdin(Buffer.from('end\n'));
    await until(output, 'got end');
    expect(await session.exit).toEqual({ kind: 'exited', code: 0 });
  });

  test('to a terminal sees a prompt without a newline, and sets its size', async () => {
    const shell = await run({ ...host.shell('', { stdin: true, tty: true }), args: ['/bin/sh'] });
    await using session = await runtime.attach(shell.id, { tty: true, stdin: true });
    const output = session.output[Symbol.asyncIterator]();
    session.resize(90, 20);
    await sizeBecomes(session, output, '20 90');
    await session.writeStdin(Buffer.from('exit 2\n'));
    expect(await session.exit).toEqual({ kind: 'exited', code: 0 });
  });
});
