/** The composition root of the node agent: adapters of this host behind libs/agent. Runs in the network namespace of the process. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createUsageReader } from '../../libs/adapters/cgroups/index.js';
import { CommandShells } from '../../libs/adapters/commands/index.js';
import type { RunCommand } from '../../libs/adapters/commands/index.js';
import { AssignmentFile } from '../../libs/adapters/disk/index.js';
import { GatewayClient, keepRenewed } from '../../libs/adapters/grpc/index.js';
import { LinuxHostNetwork } from '../../libs/adapters/network/index.js';
import { hostProber } from '../../libs/adapters/probes/index.js';
import { openRuncRuntime } from '../../libs/adapters/runc/index.js';
import { SystemClock, SystemRandom } from '../../libs/adapters/system/index.js';
import { HostVolumes } from '../../libs/adapters/volumes/index.js';
import { NodeAgent } from '../../libs/agent/index.js';
import type { ImageStore } from '../../libs/agent/index.js';
import type { CancelSignal, Logger } from '../../libs/kit/index.js';
import type { NodeAgentConfig } from './config.js';
import { hostFactsReader } from './host-facts.js';
import { joinCluster } from './join.js';

const DNS_PORT = 53;
const DRAIN_TIMEOUT_MS = 60_000;

export interface NodeAgentParts {
  readonly log: Logger;
  readonly signal: CancelSignal;
  readonly openImages: (config: NodeAgentConfig, client: GatewayClient, log: Logger) => Promise<ImageStore>;
}

export interface RunningNodeAgent extends AsyncDisposable {
  /** Ends all pods of this host first. */
  drain(): Promise<void>;
}

/** Resolves when the agent runs; that it is connected is not waited for. */
export async function startNodeAgent(config: NodeAgentConfig, parts: NodeAgentParts): Promise<RunningNodeAgent> {
  const clock = new SystemClock();
  const { log } = parts;
  const { dataDir, runDir, cgroupRoot } = config;
  await Promise.all([mkdir(dataDir, { recursive: true }), mkdir(runDir, { recursive: true }), mkdir(config.imageDir, { recursive: true })]);
  const identity = await joinCluster(config, { clock, log, signal: parts.signal });
  const client = new GatewayClient(config.gateway, identity);
  const renewal = keepRenewed({ client, nodeName: config.nodeName, dataDir, identity, clock, log });
  const shells = new CommandShells();
  const runtime = await openRuncRuntime({ dataDir, runDir, cgroupRoot, log, run: shells.run });
  const network = hostNetwork(config, log, shells.run);
  const isSharedMachine = config.capacity !== undefined;
  const usage = createUsageReader({
    tree: runtime.cgroups,
    running: () => runtime.running(),
    ...(isSharedMachine ? { nodeCgroup: `/${cgroupRoot}` } : {}),
  });
  const agent = new NodeAgent(
    {
      runtime,
      podNetwork: network.pods,
      hostNetwork: network,
      images: await parts.openImages(config, client, log),
      volumes: new HostVolumes({ dataDir, runDir, clock }),
      prober: hostProber,
      usage,
      disk: new AssignmentFile(join(dataDir, 'assignment.json')),
      facts: hostFactsReader(dataDir),
      transport: client,
      clock,
      random: new SystemRandom(),
      log,
    },
    { ...config, clusterCa: identity.caPem },
  );
  await agent.start();
  return {
    drain: () => agent.drain(DRAIN_TIMEOUT_MS),
    [Symbol.asyncDispose]: async () => {
      renewal[Symbol.dispose]();
      await agent[Symbol.asyncDispose]();
      runtime[Symbol.dispose]();
      client[Symbol.dispose]();
      shells[Symbol.dispose]();
    },
  };
}

function hostNetwork(config: NodeAgentConfig, log: Logger, run: RunCommand): LinuxHostNetwork {
  const upstreams = config.dnsUpstreams?.map((address) => ({ address, port: DNS_PORT }));
  return new LinuxHostNetwork({ cluster: config.clusterName, log, run, ...(upstreams === undefined ? {} : { upstreams }) });
}
