/** What a real host needs before a server or an agent can run on it, each with the way out. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CliError, exitCodes } from '../errors.js';

export interface Requirement {
  readonly command: string;
  /** Debian's and Ubuntu's package. */
  readonly aptPackage: string;
  readonly why: string;
}

export const agentRequirements: readonly Requirement[] = [
  { command: 'runc', aptPackage: 'runc', why: 'runs containers' },
  { command: 'conmon', aptPackage: 'conmon', why: 'keeps containers and their logs across agent restarts' },
  { command: 'nft', aptPackage: 'nftables', why: 'Service rules' },
  { command: 'ip', aptPackage: 'iproute2', why: 'links and routes' },
  { command: 'conntrack', aptPackage: 'conntrack', why: 'flushes stale UDP flows' },
  { command: 'tar', aptPackage: 'tar', why: 'image layers' },
  { command: 'nsenter', aptPackage: 'util-linux', why: 'enters namespaces' },
  { command: 'mount', aptPackage: 'mount', why: 'overlays and volumes' },
];

export const etcdRequirement: Requirement = {
  command: 'etcd',
  aptPackage: 'etcd-server',
  why: 'keeps the state; --etcd names an existing one',
};
export const redisRequirement: Requirement = {
  command: 'redis-server',
  aptPackage: 'redis-server',
  why: 'queue of operations; --redis names an existing one',
};

export interface HostFacts {
  readonly uid: number;
  /** The PATH of the process. */
  readonly path: string;
}

export function hostFacts(env: Readonly<Record<string, string | undefined>>): HostFacts {
  return { uid: process.getuid?.() ?? 0, path: env['PATH'] ?? '' };
}

/** Throws CliError that names everything that is missing and the one command that helps. */
export function checkHost(verb: string, facts: HostFacts, requirements: readonly Requirement[]): void {
  const missing = requirements.filter(({ command }) => !isInstalled(command, facts.path));
  if (missing.length > 0) {
    const list = missing.map(({ command, why }) => `\n  ${command}: ${why}`).join('');
    const packages = [...new Set(missing.map(({ aptPackage }) => aptPackage))].join(' ');
    throw new CliError(`commands are missing on this host:${list}`, exitCodes.usage, `Debian, Ubuntu: apt-get install -y ${packages}`);
  }
  if (facts.uid !== 0)
    throw new CliError(
      `"berth ${verb}" must run as root: it makes namespaces, mounts and network rules`,
      exitCodes.usage,
      `sudo berth ${verb} ...`,
    );
}

function isInstalled(command: string, path: string): boolean {
  return [...path.split(delimiter), '/usr/sbin', '/sbin'].some((folder) => folder !== '' && existsSync(join(folder, command)));
}
