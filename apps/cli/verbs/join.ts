/** berth join: the node agent on a real host, in the foreground, for a service manager. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import type { Command } from 'commander';
import { isNodeName, parseJoinToken } from '../../../libs/gateway/join-token.js';
import type { NodeAgentConfig } from '../../node-agent/config.js';
import { distDir } from '../cluster/up.js';
import { CliError, exitCodes } from '../errors.js';
import { addressTowards, nodeNameOfHost } from '../host/address.js';
import { agentRequirements, checkHost, hostFacts } from '../host/requirements.js';
import type { Io } from '../io.js';
import { collect, examples, type Verb } from '../verb.js';

export interface JoinFlags {
  readonly tokenFile?: string;
  readonly nodeName?: string;
  readonly nodeAddress?: string;
  readonly gateway?: string;
  readonly clusterName: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly label: readonly string[];
  readonly dns: readonly string[];
  readonly insecureRegistry: readonly string[];
  readonly drainOnExit: boolean;
  readonly logFormat: string;
}

export const joinVerb: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('join [token]')
      .summary('run pods of a cluster on this host')
      .description(
        'Runs the node agent in the foreground until SIGTERM, logs on standard error. Containers outlive it and are adopted again.\nThe token is needed once: the certificate that it is exchanged for stays in the data folder.',
      )
      .option('--token-file <file>', 'file with the token, instead of the argument')
      .option('--node-name <name>', "name of the Node (default: the host's)")
      .option('--node-address <address>', 'address of this host towards the others (default: the one towards the control plane)')
      .option('--gateway <host:port>', 'control plane, where it is not reached by the address in the token')
      .option('--cluster-name <name>', 'part of the names of links, tables and cgroups on this host', 'berth')
      .option('--data-dir <folder>', 'certificate, images, volumes, logs', '/var/lib/berth/agent')
      .option('--run-dir <folder>', 'sockets and namespaces, until reboot', '/run/berth/agent')
      .option('--label <name=value>', 'label of the Node; may be repeated', collect, [])
      .option('--dns <address>', "upstream resolver (default: the host's); may be repeated", collect, [])
      .option('--insecure-registry <host:port>', 'registry without TLS; may be repeated', collect, [])
      .option('--drain-on-exit', 'end all pods when asked to stop, instead of leaving them running', false)
      .option('--log-format <text|json>', 'form of the logs', 'json')
      .action((token: string | undefined, flags: JoinFlags) => runJoin(io, token, flags));
    examples(command, [
      ['With the line that "berth server" printed', 'berth join berth1.MTkyLjAuMi4xMDo2NDQ0.4acc...730.l1m024.8jw71rk99t6bvkb9'],
      ['A host of its own kind', 'berth join --token-file=/etc/berth/token --node-name=disk-1 --label=disk=ssd'],
    ]);
  },
};

async function runJoin(io: Io, token: string | undefined, flags: JoinFlags): Promise<void> {
  const config = await agentConfig(io, token, flags);
  checkHost('join', hostFacts(io.env), agentRequirements);
  const file = joinPath(flags.dataDir, 'agent.json');
  for (const folder of [config.dataDir, config.runDir, config.imageDir]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  io.err.write(`node ${config.nodeName} (${config.nodeAddress}) -> ${config.gateway}\n`);
  // The agent takes over this process: what a service manager starts, signals and measures is the agent itself.
  const main = joinPath(distDir, 'apps/node-agent/main.js');
  process.argv = [process.execPath, main, '--config', file, ...(flags.drainOnExit ? ['--drain-on-exit'] : [])];
  await import(main);
}

/** What the flags leave out is read from the token or detected. Throws CliError with the way out. */
export async function agentConfig(io: Io, given: string | undefined, flags: JoinFlags): Promise<NodeAgentConfig> {
  const token = tokenOf(given, flags);
  const before = earlierConfig(flags.dataDir);
  const gateway = flags.gateway ?? (token === undefined ? before?.gateway : decodeToken(token).address);
  if (gateway === undefined)
    throw new CliError(
      'a join token is needed',
      exitCodes.usage,
      'On the control plane\'s host, "berth token create" prints the line to run here.',
    );
  const nodeName = flags.nodeName ?? before?.nodeName ?? nodeNameOfHost();
  if (!isNodeName(nodeName))
    throw new CliError(`--node-name ${JSON.stringify(nodeName)}: lower-case letters, digits, "-" and "." are allowed`, exitCodes.usage);
  if (flags.logFormat !== 'text' && flags.logFormat !== 'json')
    throw new CliError(`--log-format ${flags.logFormat}: text or json`, exitCodes.usage);
  const { host, port } = hostAndPort(gateway);
  const nodeAddress = flags.nodeAddress ?? (await addressTowards(host, port));
  if (nodeAddress.startsWith('127.') && flags.nodeAddress === undefined)
    io.err.write(
      `Warning: the control plane is reached over loopback, so other hosts cannot reach this one as ${nodeAddress}; see --node-address\n`,
    );
  return {
    clusterName: flags.clusterName,
    nodeName,
    nodeAddress,
    gateway,
    ...(token !== undefined && { joinToken: token }),
    dataDir: flags.dataDir,
    runDir: flags.runDir,
    imageDir: joinPath(flags.dataDir, 'images'),
    cgroupRoot: `berth/${flags.clusterName}/${nodeName}`,
    labels: Object.fromEntries(flags.label.map(labelOf)),
    ...(flags.dns.length > 0 && { dnsUpstreams: flags.dns }),
    insecureRegistries: flags.insecureRegistry,
    log: { level: 'info', format: flags.logFormat },
  };
}

function tokenOf(given: string | undefined, { tokenFile, dataDir }: JoinFlags): string | undefined {
  if (given !== undefined) return given.trim();
  if (tokenFile !== undefined && existsSync(tokenFile)) return readFileSync(tokenFile, 'utf8').trim();
  // Joined before: the certificate is enough, the token may be gone.
  if (existsSync(joinPath(dataDir, 'pki'))) return undefined;
  throw new CliError(
    tokenFile === undefined ? 'a join token is needed' : `--token-file ${tokenFile}: no such file`,
    exitCodes.usage,
    'On the control plane\'s host, "berth token create" prints the line to run here.',
  );
}

function decodeToken(token: string): { readonly address: string } {
  try {
    return parseJoinToken(token);
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), exitCodes.usage);
  }
}

function earlierConfig(dataDir: string): Pick<NodeAgentConfig, 'gateway' | 'nodeName'> | undefined {
  const file = joinPath(dataDir, 'agent.json');
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as NodeAgentConfig;
  } catch {
    return undefined; // it is written anew
  }
}

function hostAndPort(gateway: string): { readonly host: string; readonly port: number } {
  const match = /^(.+):(\d{1,5})$/.exec(gateway);
  if (match === null) throw new CliError(`--gateway ${gateway}: host:port is needed`, exitCodes.usage);
  return { host: match[1] ?? '', port: Number(match[2]) };
}

function labelOf(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new CliError(`--label ${text}: name=value is needed`, exitCodes.usage);
  return [text.slice(0, equals), text.slice(equals + 1)];
}
