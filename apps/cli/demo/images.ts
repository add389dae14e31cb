/** The demo's images: a base made of the distribution's packages, and one image a tier, built by the cluster itself. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { CliError } from '../errors.js';
import { progress, type Io } from '../io.js';
import type { Session } from '../client/session.js';
import { buildImage } from '../verbs/build.js';

const tiers = ['db', 'api', 'web'] as const;
const MMDEBSTRAP_LINES_KEPT = 20;
/** What the shop does not need of its packages: documentation, translations, and PostgreSQL's just-in-time compiler. */
const leftOutOfBase = [
  '/usr/share/doc/*',
  '/usr/share/man/*',
  '/usr/share/locale/*',
  '/usr/share/info/*',
  '/usr/share/i18n/locales/*',
  '/usr/lib/*/libLLVM*',
  '/usr/lib/*/libz3*',
  '/usr/lib/*/perl/*/CORE/*',
  '/usr/lib/postgresql/*/lib/bitcode/*',
  '/var/cache/apt/*',
];
/** The image's start script makes the database, on its volume. */
const noDatabaseYet =
  'mkdir -p "$1/etc/postgresql-common" && echo create_main_cluster=false > "$1/etc/postgresql-common/createcluster.conf"';

export interface DemoImages {
  /** `manifests/shop` of the checkout. */
  readonly sources: string;
  /** Where the base and the stamps are kept between runs. */
  readonly cacheDir: string;
}

/** Builds what has changed since the last run. Throws CliError. */
export async function buildDemoImages(session: Session, io: Io, { sources, cacheDir }: DemoImages): Promise<void> {
  mkdirSync(cacheDir, { recursive: true });
  const rootfs = join(cacheDir, 'rootfs.tar');
  if (!existsSync(rootfs)) await progress(io, 'base image from distribution packages', (note) => makeRootfs(sources, rootfs, note));
  await once(cacheDir, 'shop-base', hashOf([join(sources, 'base')]) + String(statSync(rootfs).mtimeMs), () =>
    buildBase(session, io, { sources, cacheDir }),
  );
  for (const tier of tiers)
    await once(cacheDir, `shop-${tier}`, hashOf([join(sources, 'base'), join(sources, tier)]), () =>
      buildQuietly(session, io, join(sources, tier), `shop-${tier}`),
    );
}

/** Runs `work` unless its stamp says that it was done for the same input. */
async function once(cacheDir: string, name: string, input: string, work: () => Promise<void>): Promise<void> {
  const stamp = join(cacheDir, `${name}.stamp`);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === input) return;
  await work();
  writeFileSync(stamp, input);
}

function hashOf(folders: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of folders) for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(join(folder, file)));
  return hash.digest('hex');
}

async function makeRootfs(sources: string, target: string, note: (text: string) => void): Promise<void> {
  const packages = readFileSync(join(sources, 'base/packages'), 'utf8').trim().split('\n').join(',');
  const partial = `${target}.partial`;
  const args = [
    '--variant=minbase',
    `--include=${packages}`,
    ...leftOutOfBase.map((path) => `--dpkgopt=path-exclude=${path}`),
    `--essential-hook=${noDatabaseYet}`,
    '--format=tar',
    distribution(),
    partial,
  ];
  const child = spawn('mmdebstrap', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  child.stderr.on('data', (data: Buffer) => {
    lines.push(
      ...data
        .toString()
        .split('\n')
        .filter((line) => line.trim() !== ''),
    );
    lines.splice(0, Math.max(0, lines.length - MMDEBSTRAP_LINES_KEPT));
    const step = /^I: (.*)/.exec(lines.at(-1) ?? '')?.[1];
    if (step !== undefined) note(step.slice(0, 60));
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new CliError(`mmdebstrap ended with ${code}:\n${lines.join('\n')}`);
  renameSync(partial, target);
  note(`${Math.round(statSync(target).size / 1e6)} MB`);
}

/** Code name of this machine's Debian or Ubuntu. */
function distribution(): string {
  const name = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (name === undefined) throw new CliError('/etc/os-release names no VERSION_CODENAME: the demo needs Debian or Ubuntu');
  return name;
}

async function buildBase(session: Session, io: Io, { sources, cacheDir }: DemoImages): Promise<void> {
  const context = mkdtempSync(join(cacheDir, 'base-'));
  try {
    copyFileSync(join(sources, 'base/Dockerfile'), join(context, 'Dockerfile'));
    linkSync(join(cacheDir, 'rootfs.tar'), join(context, 'rootfs.tar'));
    await buildQuietly(session, io, context, 'shop-base');
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** The build's own words are shown only when it fails. */
async function buildQuietly(session: Session, io: Io, context: string, tag: string): Promise<void> {
  const said: string[] = [];
  const quiet: Io = { ...io, interactive: false, err: collector(said), out: collector([]) };
  try {
    await progress(io, `image ${tag}`, () => buildImage(session, quiet, { context, flags: { tag, buildArg: [] } }));
  } catch (error) {
    io.err.write(said.join(''));
    throw error;
  }
}

function collector(into: string[]): Io['err'] {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      into.push(chunk.toString());
      done();
    },
  });
}
