/** Where a cluster on this machine keeps its files, and which addresses, ports and names it uses. Pure, apart from load and save. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostNetns } from '../../../libs/adapters/local-hosts/names.js';
import { CliError, exitCodes } from '../errors.js';

/** What the user chose; kept in `<dataDir>/cluster.json` so that later verbs need only the data directory. */
export interface ClusterOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly nodes: number;
  /** First three octets of the hosts' /24: `10.88.0`. The bridge is .1, hosts are .11 and up. */
  readonly subnet: string;
  readonly apiPort: number;
  readonly gatewayPort: number;
  readonly etcdPort: number;
  readonly redisPort: number;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Existing etcd endpoints; empty = started by `berth up`. */
  readonly etcd: readonly string[];
  /** Existing Redis URL; empty = started by `berth up`. */
  readonly redis: string;
  /** Hosts and pods may reach what the machine reaches, by address and by name. */
  readonly outside: boolean;
}

export interface HostLayout {
  readonly name: string;
  readonly address: string;
  readonly netns: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly configFile: string;
  readonly cgroupRoot: string;
}

export interface ClusterLayout extends ClusterOptions {
  readonly bridge: string;
  readonly bridgeAddress: string;
  readonly runDir: string;
  readonly logDir: string;
  readonly imageDir: string;
  readonly kubeconfig: string;
  readonly joinTokenFile: string;
  readonly controlPlaneConfig: string;
  readonly dnsAddress: string;
  readonly hosts: readonly HostLayout[];
}

export const defaultOptions: ClusterOptions = {
  name: 'berth',
  dataDir: '/var/lib/berth',
  nodes: 3,
  subnet: '10.88.0',
  apiPort: 6443,
  gatewayPort: 6444,
  etcdPort: 23_790,
  redisPort: 63_790,
  clusterCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
  etcd: [],
  redis: '',
  outside: false,
};

const NODES_MAX = 200;
const NAME_PATTERN = /^[a-z][a-z0-9]{0,7}$/;

/** Throws CliError (usage) for options that cannot work. */
export function layoutOf(options: ClusterOptions): ClusterLayout {
  if (!NAME_PATTERN.test(options.name))
    throw new CliError(`--name ${options.name}: 1 to 8 lower-case letters and digits, it becomes part of link names`, exitCodes.usage);
  if (options.nodes < 1 || options.nodes > NODES_MAX)
    throw new CliError(`--nodes ${options.nodes}: from 1 to ${NODES_MAX} hosts fit on one machine`, exitCodes.usage);
  if (!/^\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(options.subnet))
    throw new CliError(`--subnet ${options.subnet}: the first three numbers of a /24, as 10.88.0`, exitCodes.usage);
  const runDir = options.name === 'berth' ? '/run/berth' : `/run/berth-${options.name}`;
  return {
    ...options,
    bridge: options.name === 'berth' ? 'berth0' : `br-${options.name}`,
    bridgeAddress: `${options.subnet}.1`,
    runDir,
    logDir: join(options.dataDir, 'logs'),
    imageDir: join(options.dataDir, 'images'),
    kubeconfig: join(options.dataDir, 'admin.kubeconfig'),
    joinTokenFile: join(options.dataDir, 'join-token'),
    controlPlaneConfig: join(options.dataDir, 'control-plane.json'),
    dnsAddress: options.serviceCidr.replace(/\.\d+\/\d+$/, '.10'),
    hosts: Array.from({ length: options.nodes }, (_, index) => hostLayout(options, runDir, index)),
  };
}

function hostLayout(options: ClusterOptions, runDir: string, index: number): HostLayout {
  const name = `node-${index + 1}`;
  const dataDir = join(options.dataDir, 'nodes', name);
  return {
    name,
    address: `${options.subnet}.${11 + index}`,
    netns: hostNetns(options.name, name),
    dataDir,
    runDir: join(runDir, name),
    configFile: join(dataDir, 'agent.json'),
    cgroupRoot: `berth/${options.name}/${name}`,
  };
}

export function saveOptions(options: ClusterOptions): void {
  mkdirSync(options.dataDir, { recursive: true });
  writeFileSync(join(options.dataDir, 'cluster.json'), `${JSON.stringify(options, undefined, 2)}\n`);
}

/** The options of the cluster in `dataDir`; undefined where none was ever started. */
export function loadOptions(dataDir: string): ClusterOptions | undefined {
  const file = join(dataDir, 'cluster.json');
  if (!existsSync(file)) return undefined;
  return { ...defaultOptions, ...decodeOptions(readFileSync(file, 'utf8'), file) };
}

function decodeOptions(text: string, file: string): Partial<ClusterOptions> {
  try {
    return JSON.parse(text) as Partial<ClusterOptions>;
  } catch {
    throw new CliError(`${file} is not JSON. Remove it and run "berth up" again.`);
  }
}
