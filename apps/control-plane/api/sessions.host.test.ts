/** Sessions into pods by stock kubectl, over WebSocket as it prefers and over SPDY as older clients do; and Helm. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { helmPath } from '../../../test/support/kubectl.js';
import { run } from '../../../test/support/processes.js';
import { startApiRig, type ApiRig } from '../testing/api-rig.js';

const transports = {
  websocket: {},
  spdy: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
};

describe.each(Object.entries(transports))('sessions over %s', (_name, env) => {
  let rig: ApiRig;
  let echo: Server;
  beforeAll(async () => {
    rig = await startApiRig();
    echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await rig.kubectl(['run', 'p', '--image=busybox', '--overrides={"spec":{"nodeName":"n1"}}']);
    await rig.kubectl(['patch', 'pod', 'p', '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Running"}}']);
  }, 60_000);
  afterAll(async () => {
    echo.close();
    await rig[Symbol.asyncDispose]();
  });

  test('exec carries input, output and the exit code', async () => {
    expect(await rig.kubectl(['exec', '-i', 'p', '--', 'cat'], { input: 'typed', env })).toBe('cat\ntyped');
    const failed = await rig.kubectl.any(['exec', 'p', '--', 'false'], { env });
    expect(failed.code).toBe(3);
    expect(failed.stderr).toContain('bad');
  });

  test('a program that does not exist is said before the session starts', async () => {
    const failed = await rig.kubectl.any(['exec', 'p', '--', 'missing'], { env });
    expect(failed.code).not.toBe(0);
    expect(failed.stderr).toContain('no such program: missing');
  });

  test('large input arrives whole', async () => {
    const input = 'x'.repeat(2_000_000);
    expect(await rig.kubectl(['exec', '-i', 'p', '--', 'cat'], { input, env })).toHaveLength(input.length + 4);
  });

  test('attach shows the output', async () => {
    expect(await rig.kubectl(['attach', 'p'], { env })).toContain('attached');
  });

  test('port-forward carries several connections, both ways', async () => {
    const { port } = echo.address() as AddressInfo;
    const child = spawn(rig.kubectl.program, ['port-forward', 'pod/p', `:${port}`], {
      env: { ...process.env, KUBECONFIG: rig.kubeconfig, HOME: rig.dataDir, ...env },
    });
    try {
      const local = await forwardedPort(child.stdout);
      const answers = await Promise.all(['one', 'two', 'y'.repeat(300_000)].map((text) => roundTrip(local, text)));
      expect(answers.map((answer) => answer.length)).toEqual([3, 3, 300_000]);
      expect(answers[0]).toBe('one');
    } finally {
      child.kill();
    }
  });
});

/** Listens without `for await`, whose end would close the pipe under a kubectl that still prints. */
function forwardedPort(output: NodeJS.ReadableStream): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const port = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    output.on('end', () => reject(new Error(`kubectl port-forward ended: ${text}`)));
  });
}

function roundTrip(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(text));
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('Helm', () => {
  test('installs, lists, upgrades and removes a release', async () => {
    await using rig = await startApiRig();
    const helm = await helmPath();
    const chart = join(rig.dataDir, 'chart');
    await mkdir(join(chart, 'templates'), { recursive: true });
    await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: small\nversion: 1.0.0\n');
    await writeFile(join(chart, 'values.yaml'), 'greeting: hello\n');
    await writeFile(
      join(chart, 'templates', 'map.yaml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {greeting: {{ .Values.greeting }}}\n',
    );
    const options = { env: { KUBECONFIG: rig.kubeconfig, HOME: rig.dataDir }, timeoutMs: 60_000 };
    expect(await run([helm, 'install', 'demo', chart], options)).toContain('STATUS: deployed');
    expect(await rig.kubectl(['get', 'configmap', 'demo', '-o', 'jsonpath={.data.greeting}'])).toBe('hello');
    expect(await run([helm, 'upgrade', 'demo', chart, '--set', 'greeting=again'], options)).toContain('REVISION: 2');
    expect(await rig.kubectl(['get', 'configmap', 'demo', '-o', 'jsonpath={.data.greeting}'])).toBe('again');
    expect(await run([helm, 'list', '-q'], options)).toBe('demo\n');
    expect(await run([helm, 'uninstall', 'demo'], options)).toContain('uninstalled');
  }, 120_000);
});
