/** Measures container starts through this adapter next to raw `runc run` of the same program in the same run. Needs root. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Limiter } from '../../../kit/index.js';
import { runCommand } from '../../process/run-command.js';
import { TestHost } from './test-host.js';

export interface StartBench {
  readonly containers: number;
  /** From nothing to a started program: sandbox and container, one after the other. Milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly sandboxP50Ms: number;
  /** `runc run --detach` of a prepared bundle that makes its own namespaces, likewise. */
  readonly rawP50Ms: number;
  /** All at once, seconds until the last one runs. */
  readonly allSeconds: number;
  /** The same with runc, four at a time. */
  readonly rawAllSeconds: number;
}

const RAW_AT_ONCE = 4;

export async function benchContainerStart(containers: number): Promise<StartBench> {
  await using host = new TestHost();
  const runtime = await host.open();
  const startOne = async (): Promise<{ readonly sandboxMs: number; readonly totalMs: number }> => {
    const spec = host.shell('exec sleep 1000');
    const begun = performance.now();
    await runtime.ensureSandbox({ pod: spec.pod, hostname: 'bench', hosts: '', resolvConf: '' });
    const sandboxMs = performance.now() - begun;
    await runtime.run(spec);
    return { sandboxMs, totalMs: performance.now() - begun };
  };
  const removeAll = async (): Promise<void> => {
    for (const uid of await runtime.sandboxes()) await runtime.removeSandbox(uid);
  };
  const single = [];
  for (let i = 0; i < containers; i++) single.push(await startOne());
  await removeAll();
  const begun = performance.now();
  await Promise.all(Array.from({ length: containers }, startOne));
  const allSeconds = (performance.now() - begun) / 1000;
  await removeAll();
  runtime[Symbol.dispose]();
  const raw = await benchRaw(host, containers);
  const totals = single.map((one) => one.totalMs);
  return {
    containers,
    p50Ms: percentile(totals, 0.5),
    p99Ms: percentile(totals, 0.99),
    sandboxP50Ms: percentile(
      single.map((one) => one.sandboxMs),
      0.5,
    ),
    allSeconds,
    ...raw,
  };
}

async function benchRaw(host: TestHost, containers: number): Promise<Pick<StartBench, 'rawP50Ms' | 'rawAllSeconds'>> {
  const state = join(host.root, 'raw-state');
  const start = async (id: string): Promise<number> => {
    const bundle = join(host.root, 'raw', id);
    mkdirSync(join(bundle, 'rootfs', 'bin'), { recursive: true });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(rawConfig(host, id)));
    for (const name of ['upper', 'work']) mkdirSync(join(bundle, name));
    symlinkSync(host.image.layers[0] ?? '', join(bundle, 'lower'));
    const begun = performance.now();
    await runCommand('sh', [
      '-c',
      'exec runc --root "$1" run --detach --bundle "$2" "$3" </dev/null >/dev/null 2>&1',
      'raw',
      state,
      bundle,
      id,
    ]);
    return performance.now() - begun;
  };
  const singles = [];
  for (let i = 0; i < containers; i++) singles.push(await start(`one-${i}`));
  const limiter = new Limiter(RAW_AT_ONCE);
  const begun = performance.now();
  await Promise.all(Array.from({ length: containers }, (_, i) => limiter.run(() => start(`all-${i}`))));
  const rawAllSeconds = (performance.now() - begun) / 1000;
  for (const kind of ['one', 'all']) {
    await Promise.all(
      Array.from({ length: containers }, (_, i) =>
        limiter.run(() => runCommand('runc', ['--root', state, 'delete', '--force', `${kind}-${i}`])),
      ),
    );
  }
  return { rawP50Ms: percentile(singles, 0.5), rawAllSeconds };
}

function rawConfig(host: TestHost, id: string): object {
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { args: ['/bin/sleep', '1000'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } },
    mounts: [
      { destination: '/', type: 'overlay', source: 'overlay', options: ['lowerdir=../lower', 'upperdir=../upper', 'workdir=../work'] },
      { destination: '/proc', type: 'proc', source: 'proc' },
    ],
    linux: { cgroupsPath: `/${host.cgroupRoot}/${id}`, namespaces: ['pid', 'mount', 'network', 'ipc', 'uts'].map((type) => ({ type })) },
  };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) * 10) / 10;
}
