/** Linux capabilities of a container: Docker's default list, with the pod's additions and removals. Pure. */
import type { SecurityContext } from '../../../api/index.js';

/** Every capability, by its bit number. */
export const ALL_CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;

/** Docker's documented default (docs, "Runtime privilege and Linux capabilities"). */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

/**
 * The capabilities (`CAP_CHOWN`) that the container gets. `drop` wins over `add` for one name; `ALL` in `add` starts from everything,
 * `ALL` in `drop` from nothing. What this host does not hold itself cannot be given and is left out.
 */
export function containerCapabilities(context: SecurityContext | undefined, held: ReadonlySet<string>): readonly string[] {
  const everything = context?.privileged === true;
  const add = (context?.capabilities?.add ?? []).map(plainName);
  const drop = (context?.capabilities?.drop ?? []).map(plainName);
  let names: readonly string[] = DEFAULT_CAPABILITIES;
  if (drop.includes('ALL')) names = [];
  if (everything || add.includes('ALL')) names = ALL_CAPABILITIES;
  const dropped = everything ? [] : drop;
  const wanted = new Set([...names, ...add].filter((name) => name !== 'ALL' && !dropped.includes(name)));
  return [...wanted]
    .map((name) => `CAP_${name}`)
    .filter((name) => held.has(name))
    .toSorted();
}

/** Names of the bits of a `CapBnd:` line in /proc/self/status. */
export function heldCapabilities(status: string): ReadonlySet<string> {
  const hex = /^CapBnd:\s+([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  const bits = BigInt(`0x${hex}`);
  return new Set(ALL_CAPABILITIES.filter((_name, bit) => (bits >> BigInt(bit)) & 1n).map((name) => `CAP_${name}`));
}

function plainName(name: string): string {
  return name.toUpperCase().replace(/^CAP_/, '');
}
