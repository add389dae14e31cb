/** berth server: a control plane on a real host, in the foreground, for a service manager. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ControlPlaneConfig } from '../../control-plane/config.js';
import { ApiClient } from '../client/api-client.js';
import { loadConnection } from '../client/kubeconfig.js';
import { controlPlaneConfig, controlPlaneDaemon, etcdDaemon, redisDaemon } from '../cluster/configs.js';
import { defaultOptions, layoutOf, loadOptions, type ClusterLayout } from '../cluster/layout.js';
import { distDir } from '../cluster/up.js';
import { CliError, exitCodes } from '../errors.js';
import { firstAddress } from '../host/address.js';
import { Children, endedEarly, interruption, notifyReady } from '../host/children.js';
import { checkHost, etcdRequirement, hostFacts, redisRequirement } from '../host/requirements.js';
import { paint, type Io } from '../io.js';
import { collect, examples, wholeNumber, type Verb } from '../verb.js';

interface ServerFlags {
  readonly dataDir: string;
  readonly name: string;
  readonly advertiseAddress?: string;
  readonly san: readonly string[];
  readonly apiPort: number;
  readonly gatewayPort: number;
  readonly etcdPort: number;
  readonly redisPort: number;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly etcd?: string;
  readonly redis?: string;
  readonly logFormat: string;
}

export const server: Verb = {
  register(program: Command, io: Io): void {
    const port = (flag: string): ((value: string) => number) => wholeNumber(flag, 1);
    const command = program
      .command('server')
      .summary('run a control plane on this host')
      .description(
        'Runs etcd, Redis and the control plane in the foreground until SIGTERM, logs on standard error.\nOther hosts join with the line that it prints on standard output.',
      )
      .option('--data-dir <folder>', 'etcd, certificates, kubeconfig', defaultOptions.dataDir)
      .option('--name <name>', 'cluster name', defaultOptions.name)
      .option('--advertise-address <address>', 'address by which hosts and pods reach this one (default: its first)')
      .option('--san <name>', 'further name or address for the certificate; may be repeated', collect, [])
      .option('--api-port <port>', 'HTTPS port of the API', port('--api-port'), defaultOptions.apiPort)
      .option('--gateway-port <port>', 'port for agents', port('--gateway-port'), defaultOptions.gatewayPort)
      .option('--etcd-port <port>', 'loopback port of the etcd that is started', port('--etcd-port'), defaultOptions.etcdPort)
      .option('--redis-port <port>', 'loopback port of the Redis that is started', port('--redis-port'), defaultOptions.redisPort)
      .option('--cluster-cidr <cidr>', 'addresses of pods', defaultOptions.clusterCidr)
      .option('--service-cidr <cidr>', 'addresses of Services', defaultOptions.serviceCidr)
      .option('--etcd <urls>', 'existing etcd, comma-separated; none is started then')
      .option('--redis <url>', 'existing Redis; none is started then')
      .option('--log-format <text|json>', 'form of the logs', 'json')
      .action((flags: ServerFlags) => runServer(io, flags));
    examples(command, [
      ['On the first host', 'berth server --advertise-address=192.0.2.10'],
      ['With an etcd cluster of your own', 'berth server --etcd=http://192.0.2.21:2379,http://192.0.2.22:2379'],
    ]);
  },
};

async function runServer(io: Io, flags: ServerFlags): Promise<void> {
  if (loadOptions(flags.dataDir) !== undefined)
    throw new CliError(
      `${flags.dataDir} belongs to a cluster of "berth up"`,
      exitCodes.usage,
      'Choose another folder with --data-dir, or remove it with "berth down --purge".',
    );
  checkHost('server', hostFacts(io.env), [
    ...(flags.etcd === undefined ? [etcdRequirement] : []),
    ...(flags.redis === undefined ? [redisRequirement] : []),
  ]);
  const { layout, config } = serverFiles(flags);
  const interrupted = interruption();
  await using children = new Children(io.err);
  start(children, layout, flags);
  const first = await Promise.race([interrupted, children.firstEnd.then(endedEarly), ready(layout).then(() => 'ready' as const)]);
  if (first === 'ready') {
    notifyReady(io.env);
    showJoin(io, layout, config);
    const end = await Promise.race([interrupted, children.firstEnd.then(endedEarly)]);
    if (end instanceof CliError) throw end;
    io.err.write(`${end}: ending\n`);
  } else if (first instanceof CliError) throw first;
}

/** Writes the control plane's configuration. */
function serverFiles(flags: ServerFlags): { readonly layout: ClusterLayout; readonly config: ControlPlaneConfig } {
  const advertiseAddress = flags.advertiseAddress ?? firstAddress();
  if (advertiseAddress === undefined)
    throw new CliError('this host has no address but loopback', exitCodes.usage, 'Name the one to use with --advertise-address.');
  if (flags.logFormat !== 'text' && flags.logFormat !== 'json')
    throw new CliError(`--log-format ${flags.logFormat}: text or json`, exitCodes.usage);
  const layout = layoutOf({ ...defaultOptions, ...flags, nodes: 1, etcd: flags.etcd?.split(',') ?? [], redis: flags.redis ?? '' });
  const base = controlPlaneConfig(layout);
  const config: ControlPlaneConfig = {
    ...base,
    advertiseAddress,
    extraSans: [...base.extraSans, ...flags.san],
    log: { level: 'info', format: flags.logFormat },
  };
  for (const folder of ['etcd', 'redis', 'images']) mkdirSync(join(layout.dataDir, folder), { recursive: true, mode: 0o700 });
  writeFileSync(layout.controlPlaneConfig, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return { layout, config };
}

function start(children: Children, layout: ClusterLayout, flags: ServerFlags): void {
  if (flags.etcd === undefined) children.start(etcdDaemon(layout));
  if (flags.redis === undefined) children.start(redisDaemon(layout));
  children.start(controlPlaneDaemon(layout, distDir));
}

const POLL_MS = 100;

/** Never rejects; a control plane that dies is told by its parent. */
async function ready(layout: ClusterLayout): Promise<void> {
  for (;;) {
    if (existsSync(layout.kubeconfig) && existsSync(layout.joinTokenFile) && (await answers(layout))) return;
    await sleep(POLL_MS, undefined, { ref: false });
  }
}

async function answers(layout: ClusterLayout): Promise<boolean> {
  using client = new ApiClient(loadConnection(layout.kubeconfig));
  return (await client.send('/readyz').catch(() => undefined))?.status === 200;
}

function showJoin(io: Io, layout: ClusterLayout, { advertiseAddress }: ControlPlaneConfig): void {
  const token = readFileSync(layout.joinTokenFile, 'utf8').trim();
  io.err.write(
    `${paint(io, 'green', 'ready')}: https://${advertiseAddress}:${layout.apiPort}\n` +
      `kubeconfig: ${layout.kubeconfig}\n` +
      `on every host that shall run pods (the token admits for 24 h; "berth token create" makes more):\n`,
  );
  io.out.write(`berth join ${token}\n`);
}
