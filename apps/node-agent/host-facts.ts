/** The machine, as files of the kernel and of the distribution describe it. */
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, release, totalmem } from 'node:os';
import type { HostFacts, HostFactsReader } from '../../libs/agent/index.js';

const architectureOf: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
};

/** `dataDir`: whose file system counts as the node's. */
export function hostFactsReader(dataDir: string): HostFactsReader {
  return { read: () => readFacts(dataDir) };
}

async function readFacts(dataDir: string): Promise<HostFacts> {
  const [meminfo, osRelease, machineId, systemUuid, bootId, resolv, hostsFile, pidMax, loadavg, disk] = await Promise.all([
    read('/proc/meminfo'),
    read('/etc/os-release'),
    read('/etc/machine-id'),
    read('/sys/class/dmi/id/product_uuid'),
    read('/proc/sys/kernel/random/boot_id'),
    read('/etc/resolv.conf'),
    read('/etc/hosts'),
    read('/proc/sys/kernel/pid_max'),
    read('/proc/loadavg'),
    statfs(dataDir),
  ]);
  return {
    cpuCores: availableParallelism(),
    memoryBytes: totalmem(),
    memoryAvailableBytes: Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0) * 1024,
    diskBytes: disk.blocks * disk.bsize,
    diskAvailableBytes: disk.bavail * disk.bsize,
    pidsMax: Number(pidMax),
    pidsUsed: Number(/\d+\/(\d+)/.exec(loadavg)?.[1] ?? 0),
    architecture: architectureOf[process.arch] ?? process.arch,
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? 'Linux',
    kernelVersion: release(),
    machineId: machineId.trim(),
    systemUuid: systemUuid.trim(),
    bootId: bootId.trim(),
    nameservers: [...resolv.matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] ?? ''),
    searches: /^search\s+(.*)$/m.exec(resolv)?.[1]?.trim().split(/\s+/) ?? [],
    hostsFile,
  };
}

/** Files that some hosts do not have, or not for us, are empty. */
async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
