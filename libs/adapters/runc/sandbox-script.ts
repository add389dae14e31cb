/** The one command that makes a sandbox: unshare pins the namespaces, and a shell inside them sets host name, loopback and sysctls. Pure. */
import type { PodPaths } from './paths.js';

export interface SandboxScriptInput {
  readonly paths: Pick<PodPaths, 'net' | 'ipc' | 'uts' | 'shm'>;
  readonly hostNetwork: boolean;
  readonly hostIpc: boolean;
  readonly hostname: string;
  readonly sysctls: readonly { readonly name: string; readonly value: string }[];
}

/** Size of /dev/shm, shared by the containers of the pod; the container runtimes' customary 64 MiB. */
const SHM_OPTIONS = 'size=65536k,mode=1777,nosuid,nodev,noexec';

/** Values travel as positional arguments, so nothing in them is ever read as shell. */
export function sandboxScript(input: SandboxScriptInput): { readonly file: string; readonly args: readonly string[] } {
  const { paths } = input;
  const lines = ['set -e'];
  const values: string[] = [];
  const argument = (value: string): string => `"\${${values.push(value)}}"`;
  if (!input.hostNetwork) {
    lines.push(`printf %s ${argument(input.hostname)} >/proc/sys/kernel/hostname`, 'ip link set lo up');
  }
  if (!input.hostIpc) lines.push(`mount -n -t tmpfs -o ${SHM_OPTIONS} shm ${argument(paths.shm)}`);
  for (const { name, value } of input.sysctls) {
    lines.push(`printf %s ${argument(value)} >${argument(`/proc/sys/${sysctlPath(name)}`)}`);
  }
  const shell = ['sh', '-c', lines.join('\n'), 'berth-sandbox', ...values];
  const pins = [
    ...(input.hostNetwork ? [] : [`--net=${paths.net}`, `--uts=${paths.uts}`]),
    ...(input.hostIpc ? [] : [`--ipc=${paths.ipc}`]),
  ];
  if (pins.length === 0) return { file: 'sh', args: shell.slice(1) };
  return { file: 'unshare', args: [...pins, '--', ...shell] };
}

/** `net.ipv4.conf.eth0/100.forwarding`: a slash in a sysctl's name stands for a dot in a path component. */
function sysctlPath(name: string): string {
  const path = name.replaceAll(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
  if (path.split('/').includes('..')) throw new Error(`${name}: not a sysctl`);
  return path;
}
