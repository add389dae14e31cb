/** What of a cluster still exists on this machine: the evidence that `berth down` left nothing. */
import { readFile, readdir, readlink, stat } from 'node:fs/promises';
import { runCommand } from '../commands/index.js';
import type { RunCommand } from '../commands/index.js';
import { NETNS_DIR, aliasPrefix } from './names.js';

export interface Leftover {
  readonly kind: 'link' | 'netns' | 'nft-table' | 'route' | 'mount' | 'cgroup' | 'process' | 'resolver-file';
  readonly name: string;
}

export interface LeftoverQuestion {
  readonly cluster: string;
  readonly bridge: string;
  /** Data and run folders of the cluster: mounts below them and processes that name them count. */
  readonly paths: readonly string[];
  /** Names of the cluster's topmost cgroups; default: the cluster's name. */
  readonly cgroups?: readonly string[];
  readonly run?: RunCommand;
}

/** Empty when nothing is left. Reads only. */
export async function leftovers(question: LeftoverQuestion): Promise<readonly Leftover[]> {
  const run = question.run ?? runCommand;
  const parts = await Promise.all([
    links(question, run),
    entries(NETNS_DIR, question, 'netns'),
    entries('/etc/netns', question, 'resolver-file'),
    tables(question, run),
    routes(question, run),
    mounts(question),
    cgroups(question),
    processes(question),
  ]);
  return parts.flat();
}

async function links({ cluster, bridge }: LeftoverQuestion, run: RunCommand): Promise<readonly Leftover[]> {
  const all = JSON.parse(await run(['ip', '-j', 'link', 'show'])) as readonly { ifname: string; ifalias?: string }[];
  return all
    .filter(({ ifname, ifalias }) => ifname === bridge || ifalias?.startsWith(aliasPrefix(cluster)) === true)
    .map(({ ifname }) => ({ kind: 'link', name: ifname }));
}

async function entries(dir: string, { cluster }: LeftoverQuestion, kind: Leftover['kind']): Promise<readonly Leftover[]> {
  const names = await readdir(dir).catch(() => []);
  return names.filter((name) => name.startsWith(`${cluster}-`)).map((name) => ({ kind, name }));
}

async function tables({ cluster }: LeftoverQuestion, run: RunCommand): Promise<readonly Leftover[]> {
  const lines = (await run(['nft', 'list', 'tables'])).split('\n');
  return lines.flatMap((line) => {
    const name = line.split(' ')[2] ?? '';
    return name.startsWith(`${cluster}/`) ? [{ kind: 'nft-table' as const, name }] : [];
  });
}

async function routes({ bridge }: LeftoverQuestion, run: RunCommand): Promise<readonly Leftover[]> {
  const lines = (await run(['ip', 'route', 'show', 'table', 'all'])).split('\n');
  return lines.filter((line) => line.includes(`dev ${bridge} `)).map((name) => ({ kind: 'route', name: name.trim() }));
}

async function mounts({ cluster, paths }: LeftoverQuestion): Promise<readonly Leftover[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const places = lines.map((line) => line.split(' ')[4] ?? '');
  return places
    .filter((place) => place.startsWith(`${NETNS_DIR}/${cluster}-`) || paths.some((path) => place === path || place.startsWith(`${path}/`)))
    .map((name) => ({ kind: 'mount', name }));
}

/** The topmost level of every hierarchy: v1 has one folder per controller, v2 and hybrid have the groups at the root too. */
async function cgroups(question: LeftoverQuestion): Promise<readonly Leftover[]> {
  const root = '/sys/fs/cgroup';
  const wanted = new Set(question.cgroups ?? [question.cluster]);
  const controllers = await readdir(root).catch(() => []);
  const found = await Promise.all(
    ['.', ...controllers].map(async (controller) => {
      const names = await readdir(`${root}/${controller}`).catch(() => []);
      return names.filter((name) => wanted.has(name)).map((name) => `${root}/${controller}/${name}`.replace('/./', '/'));
    }),
  );
  return [...new Set(found.flat())].map((name) => ({ kind: 'cgroup', name }));
}

async function processes(question: LeftoverQuestion): Promise<readonly Leftover[]> {
  const inodes = new Set(await namespaceInodes(question));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid): Promise<readonly Leftover[]> => {
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
      const netns = await readlink(`/proc/${pid}/ns/net`).catch(() => '');
      const inode = /\[(\d+)\]/.exec(netns)?.[1] ?? '';
      const isOurs = inodes.has(inode) || question.paths.some((path) => command.includes(path));
      return isOurs ? [{ kind: 'process', name: `${pid} ${command}` }] : [];
    }),
  );
  return found.flat();
}

async function namespaceInodes(question: LeftoverQuestion): Promise<readonly string[]> {
  const names = await entries(NETNS_DIR, question, 'netns');
  const stats = await Promise.all(names.map(({ name }) => stat(`${NETNS_DIR}/${name}`).catch(() => undefined)));
  return stats.flatMap((one) => (one === undefined ? [] : [String(one.ino)]));
}
