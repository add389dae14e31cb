/**
 * Everything between a fresh clone and a built tree: checks the machine, installs missing distribution packages and npm
 * packages, compiles. Each step is skipped when there is nothing to do. Needs only Node.js.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, step } from './steps.mjs';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const NODE_VERSION_MIN = [20, 19];
const sources = [
  'apps',
  'libs',
  'tools',
  'test',
  'proto',
  'package.json',
  'tsconfig.base.json',
  'tsconfig.pure.json',
  'tsconfig.host.json',
  'tsconfig.tools.json',
];

function checkMachine() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < NODE_VERSION_MIN[0] || (major === NODE_VERSION_MIN[0] && minor < NODE_VERSION_MIN[1]))
    throw new Error(`Node.js ${NODE_VERSION_MIN.join('.')} or newer is needed, this is ${process.versions.node}.`);
  if (process.platform !== 'linux') throw new Error('Berth runs containers by Linux namespaces and cgroups: it needs a Linux machine.');
  if (process.getuid() !== 0) throw new Error('Berth makes namespaces, mounts and cgroups: run this as root (sudo -E npm run ...).');
  if (!existsSync('/usr/bin/apt-get') && missingCommands().length > 0)
    throw new Error(
      `This is no Debian or Ubuntu machine. Install these commands yourself, then run this again: ${missingCommands().join(', ')}`,
    );
  return `Node.js ${process.versions.node}, ${readFileSync('/etc/os-release', 'utf8').match(/PRETTY_NAME="(.*)"/)?.[1] ?? 'Linux'}`;
}

function missingCommands() {
  const folders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin', '/usr/local/sbin'];
  return ['etcd', 'redis-server', 'runc', 'conmon', 'nft', 'ip', 'buildah'].filter((c) => !folders.some((f) => existsSync(join(f, c))));
}

async function installPackages(packages) {
  if (!existsSync('/usr/bin/dpkg-query')) return 'not a Debian system, nothing installed';
  const names = Object.keys(packages);
  const listed = await run('dpkg-query', ['-W', '-f', '${db:Status-Abbrev} ${Package}\n', ...names]).catch((error) =>
    String(error.message),
  );
  const missing = names.filter((name) => !new RegExp(`^ii\\s+${name.replaceAll('+', '\\+')}$`, 'm').test(listed));
  if (missing.length === 0) return `${names.length} present`;
  process.stdout.write(`     installing ${missing.join(' ')}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await run('apt-get', ['update', '-q'], { env });
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { env });
  return `${missing.length} installed`;
}

async function installNodePackages() {
  const stamp = join(root, 'node_modules/.berth-lock');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 'up to date';
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--include=dev'], { cwd: root });
  writeFileSync(stamp, wanted);
  return 'installed';
}

function newest(path) {
  const full = join(root, path);
  if (!existsSync(full)) return 0;
  const stat = statSync(full);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(
    stat.mtimeMs,
    ...readdirSync(full)
      .filter((n) => n !== 'node_modules')
      .map((n) => newest(join(path, n))),
  );
}

/** Compiles when a source is newer than the last build. */
export async function build() {
  const stamp = join(root, 'dist/.berth-build');
  if (existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...sources.filter((s) => s !== 'libs').map(newest), newestLib()))
    return 'up to date';
  const output = await run('npm', ['run', '-s', 'build'], { cwd: root });
  writeFileSync(stamp, '');
  return output.trim().split('\n').at(-1) ?? '';
}

function newestLib() {
  return Math.max(
    ...readdirSync(join(root, 'libs')).map((lib) => (lib === 'api' ? newestBut('libs/api', 'generated') : newest(`libs/${lib}`))),
  );
}

function newestBut(path, left) {
  return Math.max(
    ...readdirSync(join(root, path))
      .filter((n) => n !== left)
      .map((n) => newest(`${path}/${n}`)),
  );
}

/** `packages`: name -> reason, of packages.mjs. */
export async function setUp(packages) {
  await step('machine', checkMachine);
  await step('distribution packages', () => installPackages(packages));
  await step('npm packages', installNodePackages);
  await step('build', build);
}
