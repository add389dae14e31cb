/** The floor to measure against: `runc run` of the same binary, each in a network namespace with a veth pair into a bridge. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Limiter } from '../../../libs/kit/index.js';
import { run, runAny } from '../../support/processes.js';

const BRIDGE = 'bbraw';
const AT_ONCE = 4;

/** All that a container costs, in one shell: two `ip` batches and runc. $1 name, $2 bundle, $3 runc state, $4 address. */
const START = `
set -e
ip netns add "$1"
ip -batch - <<END
link add v$1 type veth peer name eth0 netns $1
link set v$1 master ${BRIDGE} up
END
ip -n "$1" -batch - <<END
link set lo up
addr add $4/16 dev eth0
link set eth0 up
route add default via 10.254.0.1
END
exec runc --root "$3" run --detach --bundle "$2" "$1" </dev/null >/dev/null 2>&1
`;

/** What a run that was killed has left behind. */
const SWEEP = `
for p in $(cat $(find /sys/fs/cgroup -path '*/${BRIDGE}/*' -name cgroup.procs) </dev/null | sort -un); do kill -9 $p || true; done
for n in $(ip netns list | grep -o '^${BRIDGE}[0-9]*'); do ip netns delete $n; done
ip link delete ${BRIDGE} 2>/dev/null || true
`;

export class RawContainers implements AsyncDisposable {
  private readonly root = mkdtempSync(join(tmpdir(), 'berth-raw-'));
  private readonly names: string[] = [];

  static async open(): Promise<RawContainers> {
    const raw = new RawContainers();
    mkdirSync(join(raw.root, 'layer/bin'), { recursive: true });
    mkdirSync(join(raw.root, 'layer/proc'));
    copyFileSync('/bin/busybox', join(raw.root, 'layer/bin/busybox'));
    symlinkSync('busybox', join(raw.root, 'layer/bin/sleep'));
    await run(['sh', '-c', SWEEP]);
    await run(['ip', 'link', 'add', BRIDGE, 'type', 'bridge']);
    await run(['ip', 'link', 'set', BRIDGE, 'up']);
    return raw;
  }

  /** Milliseconds from nothing to a started program. */
  async start(): Promise<number> {
    const index = this.names.length;
    const name = `${BRIDGE}${index}`;
    this.names.push(name);
    const bundle = this.makeBundle(name);
    const address = `10.254.${1 + Math.floor(index / 250)}.${2 + (index % 250)}`;
    const startedAt = performance.now();
    await run(['sh', '-c', START, 'raw', name, bundle, join(this.root, 'state'), address]);
    return performance.now() - startedAt;
  }

  /** Seconds for `count` of them, four at a time. */
  async startAll(count: number): Promise<number> {
    const limiter = new Limiter(AT_ONCE);
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: count }, () => limiter.run(() => this.start())));
    return (performance.now() - startedAt) / 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const limiter = new Limiter(AT_ONCE);
    const remove = async (name: string): Promise<void> => {
      await runAny(['runc', '--root', join(this.root, 'state'), 'delete', '--force', name]);
      await runAny(['ip', 'netns', 'delete', name]);
    };
    await Promise.all(this.names.map((name) => limiter.run(() => remove(name))));
    await runAny(['ip', 'link', 'delete', BRIDGE]);
    await runAny(['sh', '-c', `find /sys/fs/cgroup -depth -path '*/${BRIDGE}' -type d -exec rmdir {} +`]);
    rmSync(this.root, { recursive: true, force: true });
  }

  private makeBundle(name: string): string {
    const bundle = join(this.root, name);
    for (const folder of ['rootfs', 'upper', 'work']) mkdirSync(join(bundle, folder), { recursive: true });
    symlinkSync(join(this.root, 'layer'), join(bundle, 'lower'));
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(configOf(name)));
    return bundle;
  }
}

function configOf(name: string): object {
  const own = ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type }));
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { args: ['/bin/sleep', '1000000'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } },
    mounts: [
      { destination: '/', type: 'overlay', source: 'overlay', options: ['lowerdir=../lower', 'upperdir=../upper', 'workdir=../work'] },
      { destination: '/proc', type: 'proc', source: 'proc' },
    ],
    linux: { cgroupsPath: `/${BRIDGE}/${name}`, namespaces: [...own, { type: 'network', path: `/run/netns/${name}` }] },
  };
}
