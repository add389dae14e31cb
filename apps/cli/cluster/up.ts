/** Starts what does not run yet of a cluster on this machine, in the order of need, and waits until it is ready. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, networkInterfaces, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../client/api-client.js';
import { loadConnection } from '../client/kubeconfig.js';
import { CliError, exitCodes } from '../errors.js';
import { progress, type Io } from '../io.js';
import { agentConfig, agentDaemon, controlPlaneConfig, controlPlaneDaemon, etcdDaemon, redisDaemon } from './configs.js';
import { Daemons } from './daemons.js';
import { localHosts } from './hosts.js';
import type { ClusterLayout } from './layout.js';

export const distDir = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

/** Idempotent: what runs is left alone. Throws CliError with the failing daemon's last log lines. */
export async function startCluster(layout: ClusterLayout, io: Io): Promise<void> {
  const daemons = new Daemons(layout.runDir, layout.logDir);
  prepareFolders(layout);
  await progress(io, 'etcd, Redis and network', async () => {
    if (layout.etcd.length === 0) daemons.start(etcdDaemon(layout));
    if (layout.redis === '') daemons.start(redisDaemon(layout));
    await startHosts(layout);
  });
  await progress(io, 'control plane', async (note) => {
    writeJson(layout.controlPlaneConfig, controlPlaneConfig(layout));
    daemons.start(controlPlaneDaemon(layout, distDir));
    await waitForApi(layout, daemons);
    note(`https://127.0.0.1:${layout.apiPort}`);
  });
  await progress(io, `${layout.hosts.length} hosts`, async (note) => {
    startAgents(layout, daemons);
    await waitForNodes(layout, daemons, note);
  });
}

function prepareFolders(layout: ClusterLayout): void {
  for (const folder of ['etcd', 'redis', 'images', 'logs']) mkdirSync(join(layout.dataDir, folder), { recursive: true, mode: 0o700 });
  for (const host of layout.hosts) {
    mkdirSync(host.dataDir, { recursive: true, mode: 0o700 });
    mkdirSync(host.runDir, { recursive: true, mode: 0o700 });
  }
}

async function startHosts(layout: ClusterLayout): Promise<void> {
  const other = subnetHolder(layout, networkInterfaces());
  if (other !== undefined)
    throw new CliError(
      `--subnet ${layout.subnet}: these addresses are in use on ${other}`,
      exitCodes.usage,
      'Choose another with --subnet, or end the cluster that has them: "berth down --data-dir ...".',
    );
  const hosts = localHosts(layout);
  for (const host of layout.hosts) await hosts.createHost(host);
}

/** The link, other than the cluster's own bridge, that has an address of the hosts' subnet. */
export function subnetHolder(
  layout: Pick<ClusterLayout, 'subnet' | 'bridge'>,
  links: NodeJS.Dict<readonly { readonly address: string }[]>,
): string | undefined {
  const holder = Object.entries(links).find(
    ([name, addresses]) => name !== layout.bridge && addresses?.some(({ address }) => address.startsWith(`${layout.subnet}.`)),
  );
  return holder?.[0];
}

function startAgents(layout: ClusterLayout, daemons: Daemons): void {
  const joinToken = readFileSync(layout.joinTokenFile, 'utf8').trim();
  const capacity = { cpu: availableParallelism(), memoryBytes: Math.floor(totalmem() / layout.hosts.length) };
  for (const host of layout.hosts) {
    writeJson(host.configFile, agentConfig(layout, host, { joinToken, capacity }));
    daemons.start(agentDaemon(host, distDir));
  }
}

/** Waits for /readyz; a control plane that died is reported at once. */
export async function waitForApi(layout: ClusterLayout, daemons: Daemons): Promise<void> {
  await until(READY_TIMEOUT_MS, async () => {
    if (daemons.pidOf('control-plane') === undefined) throw died(daemons, 'control-plane');
    if (!existsSync(layout.kubeconfig) || !existsSync(layout.joinTokenFile)) return false;
    using client = new ApiClient(loadConnection(layout.kubeconfig));
    return (await client.send('/readyz').catch(() => undefined))?.status === 200;
  }).catch((error: unknown) => {
    throw error instanceof CliError
      ? error
      : new CliError(`the control plane is not ready after ${READY_TIMEOUT_MS / 1000} s:\n${daemons.lastLines('control-plane')}`);
  });
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

interface LeaseList {
  readonly items: readonly { readonly metadata: { readonly name: string }; readonly spec?: { readonly renewTime?: string } }[];
}

/** Ready must have been said since now: after a restart the store still shows what was true before. */
async function waitForNodes(layout: ClusterLayout, daemons: Daemons, note: (text: string) => void): Promise<void> {
  using client = new ApiClient(loadConnection(layout.kubeconfig));
  const startedAt = Date.now();
  await until(READY_TIMEOUT_MS, async () => {
    for (const host of layout.hosts) if (daemons.pidOf(host.name) === undefined) throw died(daemons, host.name);
    const [nodes, leases] = await Promise.all([
      client.json<NodeList>('/api/v1/nodes'),
      client.json<LeaseList>('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'),
    ]);
    const alive = new Set(
      leases.items.filter((lease) => Date.parse(lease.spec?.renewTime ?? '') >= startedAt).map((lease) => lease.metadata.name),
    );
    const isReady = (name: string): boolean =>
      nodes.items.some(
        (node) => node.metadata.name === name && node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true,
      );
    const ready = layout.hosts.filter((host) => alive.has(host.name) && isReady(host.name));
    note(`${ready.length}/${layout.hosts.length} Ready`);
    return ready.length === layout.hosts.length;
  });
}

function died(daemons: Daemons, name: string): CliError {
  return new CliError(`${name} ended right after its start:\n${daemons.lastLines(name)}`, 1, `Whole log: ${daemons.logFile(name)}`);
}

/** Polls until `done` answers true; throws CliError when it takes longer. */
export async function until(timeoutMs: number, done: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await done())) {
    if (performance.now() > deadline)
      throw new CliError(`not ready after ${Math.round(timeoutMs / 1000)} s`, 1, '"berth status" shows what runs.');
    await sleep(POLL_MS);
  }
}

function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
}
