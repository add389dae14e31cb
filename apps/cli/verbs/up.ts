/** berth up: a cluster on this machine. */
import type { Command } from 'commander';
import { loadOptions, defaultOptions, layoutOf, saveOptions, type ClusterOptions } from '../cluster/layout.js';
import { startCluster } from '../cluster/up.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { examples, type Verb } from '../verb.js';

type Flags = Partial<Record<Exclude<keyof ClusterOptions, 'etcd' | 'outside'>, string>> & {
  readonly etcd?: string;
  readonly outside?: boolean;
};

export const up: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('up')
      .summary('start a cluster on this machine')
      .description(
        'Starts etcd, Redis, the control plane and the hosts, as far as they do not run yet, and waits until every host is Ready.\nHosts are network namespaces on one bridge, each with an agent of its own.',
      )
      .option('--nodes <count>', 'number of hosts (default 3, or as before)')
      .option('--name <name>', 'cluster name, part of link names (default berth)')
      .option('--data-dir <folder>', `where the cluster's files are`, defaultOptions.dataDir)
      .option('--subnet <a.b.c>', "first three numbers of the hosts' /24 (default 10.88.0)")
      .option('--api-port <port>', 'HTTPS port of the API (default 6443)')
      .option('--gateway-port <port>', 'port for agents (default 6444)')
      .option('--etcd-port <port>', 'port of the etcd that is started (default 23790)')
      .option('--redis-port <port>', 'port of the Redis that is started (default 63790)')
      .option('--cluster-cidr <cidr>', 'addresses of pods (default 10.244.0.0/16)')
      .option('--service-cidr <cidr>', 'addresses of Services (default 10.96.0.0/16)')
      .option('--etcd <urls>', 'existing etcd, comma-separated; none is started then')
      .option('--redis <url>', 'existing Redis; none is started then')
      .option('--outside', 'let hosts and pods reach what this machine reaches (NAT); --no-outside turns it off again')
      .option('--no-outside')
      .action((flags: Flags) => runUp(flags, io));
    examples(command, [
      ['Three hosts on this machine', 'berth up --nodes 3'],
      [
        'A second cluster beside the first',
        'berth up --name two --data-dir /var/lib/berth-two --subnet 10.98.0 --api-port 7443 --gateway-port 7444 --etcd-port 24790 --redis-port 64790',
      ],
    ]);
  },
};

async function runUp(flags: Flags, io: Io): Promise<void> {
  const options = optionsFrom(flags);
  const layout = layoutOf(options);
  saveOptions(options);
  await startCluster(layout, io);
  io.out.write(`export KUBECONFIG=${layout.kubeconfig}\n`);
}

/** Flags over what the cluster was started with before, over the defaults. */
export function optionsFrom(flags: Flags): ClusterOptions {
  const dataDir = flags.dataDir ?? defaultOptions.dataDir;
  const before = loadOptions(dataDir) ?? defaultOptions;
  const count = (flag: string, value: string | undefined, otherwise: number): number => {
    if (value === undefined) return otherwise;
    if (!/^\d{1,5}$/.test(value)) throw new CliError(`--${flag} ${value}: a whole number is needed`, exitCodes.usage);
    return Number(value);
  };
  return {
    dataDir,
    name: flags.name ?? before.name,
    nodes: count('nodes', flags.nodes, before.nodes),
    subnet: flags.subnet ?? before.subnet,
    apiPort: count('api-port', flags.apiPort, before.apiPort),
    gatewayPort: count('gateway-port', flags.gatewayPort, before.gatewayPort),
    etcdPort: count('etcd-port', flags.etcdPort, before.etcdPort),
    redisPort: count('redis-port', flags.redisPort, before.redisPort),
    clusterCidr: flags.clusterCidr ?? before.clusterCidr,
    serviceCidr: flags.serviceCidr ?? before.serviceCidr,
    etcd: flags.etcd?.split(',') ?? before.etcd,
    redis: flags.redis ?? before.redis,
    outside: flags.outside ?? before.outside,
  };
}
