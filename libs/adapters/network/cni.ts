/**
 * Pod network by CNI plugins (Container Network Interface specification 1.0): for hosts whose administrator has
 * configured one. The results of ADD are kept on disk, as the specification asks, so that DEL and restarts find them.
 */
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, inNetworkNamespace } from '../commands/index.js';
import type { RunCommand } from '../commands/index.js';
import type { PodAttachment, PodNetwork } from '../../networking/index.js';

export interface CniOptions {
  /** The first configuration by file name counts, as for every runtime: `/etc/cni/net.d`. */
  readonly configDir: string;
  /** Folders of the plugins, first match wins: `/opt/cni/bin`, `/usr/lib/cni`. */
  readonly binDirs: readonly string[];
  /** Where results are kept between ADD and DEL. */
  readonly stateDir: string;
}

interface PluginConfig {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [field: string]: unknown;
}
export interface NetworkConfigList {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly PluginConfig[];
}
interface CniResult {
  readonly ips?: readonly { readonly address: string }[];
  /** Results of version 0.2. */
  readonly ip4?: { readonly ip: string };
  readonly [field: string]: unknown;
}
interface Kept {
  readonly pod: PodAttachment;
  readonly config: NetworkConfigList;
  readonly result: CniResult;
}

/** A plugin refused; the message is its own. */
export class CniError extends Error {
  override readonly name = 'CniError';
}

const INTERFACE = 'eth0';
/** Plugins may talk to a daemon of theirs that is just starting. */
const PLUGIN_TIMEOUT_MS = 60_000;

/** `undefined` when the folder is missing or holds no configuration. Throws `CniError` when the first one cannot be read. */
export async function loadCniConfig(configDir: string): Promise<NetworkConfigList | undefined> {
  const names = await readdir(configDir).catch(() => []);
  const name = names.filter((one) => /\.(conflist|conf|json)$/.test(one)).sort((a, b) => (a < b ? -1 : 1))[0];
  if (name === undefined) return undefined;
  const path = join(configDir, name);
  try {
    return decodeConfig(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new CniError(`${path} is not a CNI configuration: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A single plugin's file (`.conf`) is a list of one. */
function decodeConfig(value: unknown): NetworkConfigList {
  const { name, cniVersion = '0.4.0', plugins } = value as Partial<NetworkConfigList>;
  const single = value as PluginConfig;
  if (typeof name !== 'string') throw new Error('it has no name');
  if (plugins !== undefined) return { name, cniVersion, plugins };
  if (typeof single.type !== 'string') throw new Error('it has neither plugins nor a type');
  return { name, cniVersion, plugins: [single] };
}

export class CniPodNetwork implements PodNetwork {
  constructor(
    private readonly run: RunCommand,
    private readonly options: CniOptions,
    private readonly config: NetworkConfigList,
  ) {}

  async attach(pod: PodAttachment): Promise<{ readonly ip: string; readonly ips: readonly string[] }> {
    const kept = await this.read(pod.podUid);
    if (kept?.pod.netnsPath === pod.netnsPath) return addresses(kept.result);
    // Some other namespace of this pod, from before a reboot: its addresses go back first.
    if (kept !== undefined) await this.detach(pod.podUid);
    await inNetworkNamespace(pod.netnsPath, this.run)(['ip', 'link', 'set', 'lo', 'up']);
    let result: CniResult = {};
    try {
      for (const plugin of this.config.plugins) {
        const output = await this.execute('ADD', { plugin, pod, config: this.config, previous: result });
        if (output.trim() !== '') result = JSON.parse(output) as CniResult;
      }
      const answer = addresses(result);
      await this.keep({ pod, config: this.config, result });
      return answer;
    } catch (error) {
      await this.undo({ pod, config: this.config, result });
      throw error;
    }
  }

  async detach(podUid: string): Promise<void> {
    const kept = await this.read(podUid);
    if (kept === undefined) return;
    for (const plugin of kept.config.plugins.toReversed()) {
      await this.execute('DEL', { plugin, pod: kept.pod, config: kept.config, previous: kept.result });
    }
    await rm(this.path(podUid), { force: true });
  }

  async attached(): Promise<readonly string[]> {
    const names = await readdir(this.options.stateDir).catch(() => []);
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  }

  /** After a failed ADD the specification asks for DEL; what it says then cannot help anybody. */
  private async undo(kept: Kept): Promise<void> {
    for (const plugin of kept.config.plugins.toReversed()) {
      await this.execute('DEL', { plugin, pod: kept.pod, config: kept.config, previous: kept.result }).catch(() => undefined);
    }
  }

  private async execute(
    command: 'ADD' | 'DEL',
    call: { readonly plugin: PluginConfig; readonly pod: PodAttachment; readonly config: NetworkConfigList; readonly previous: CniResult },
  ): Promise<string> {
    const { plugin, pod, config, previous } = call;
    const { capabilities, ...own } = plugin;
    const input = JSON.stringify({
      ...own,
      name: config.name,
      cniVersion: config.cniVersion,
      ...(capabilities?.['portMappings'] === true ? { runtimeConfig: { portMappings: portMappings(pod) } } : {}),
      ...(Object.keys(previous).length > 0 ? { prevResult: previous } : {}),
    });
    try {
      return await this.run([await this.find(plugin.type)], { input, env: this.environment(command, pod), timeoutMs: PLUGIN_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new CniError(`CNI plugin ${plugin.type} (${command}): ${pluginMessage(error)}`);
    }
  }

  private environment(command: string, pod: PodAttachment): Readonly<Record<string, string>> {
    const args = {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: pod.namespace,
      K8S_POD_NAME: pod.name ?? pod.hostname,
      K8S_POD_INFRA_CONTAINER_ID: pod.podUid,
      K8S_POD_UID: pod.podUid,
    };
    const given = Object.entries(args).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
    return {
      CNI_COMMAND: command,
      CNI_CONTAINERID: pod.podUid,
      CNI_NETNS: pod.netnsPath,
      CNI_IFNAME: INTERFACE,
      CNI_PATH: this.options.binDirs.join(':'),
      CNI_ARGS: given.join(';'),
    };
  }

  private async find(type: string): Promise<string> {
    if (!/^[A-Za-z0-9._-]+$/.test(type)) throw new CniError(`"${type}" is not the name of a CNI plugin`);
    for (const dir of this.options.binDirs) {
      const names: readonly string[] = await readdir(dir).catch(() => []);
      if (names.includes(type)) return join(dir, type);
    }
    throw new CniError(`CNI plugin ${type} is not in ${this.options.binDirs.join(', ')}: install it there`);
  }

  private path(podUid: string): string {
    if (!/^[A-Za-z0-9-]+$/.test(podUid)) throw new CniError(`"${podUid}" is not a pod uid`);
    return join(this.options.stateDir, `${podUid}.json`);
  }

  private async keep(kept: Kept): Promise<void> {
    await mkdir(this.options.stateDir, { recursive: true });
    const path = this.path(kept.pod.podUid);
    await writeFile(`${path}.new`, JSON.stringify(kept));
    await rename(`${path}.new`, path);
  }

  private async read(podUid: string): Promise<Kept | undefined> {
    const text = await readFile(this.path(podUid), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Kept);
  }
}

function addresses(result: CniResult): { readonly ip: string; readonly ips: readonly string[] } {
  const found = result.ips ?? (result.ip4 === undefined ? [] : [{ address: result.ip4.ip }]);
  const ips = found.map(({ address }) => address.split('/')[0] ?? '');
  const [ip] = ips;
  if (ip === undefined) throw new CniError('the CNI plugins gave the pod no address: the list needs a plugin with IPAM');
  return { ip, ips };
}

function portMappings(pod: PodAttachment): readonly object[] {
  return pod.ports.map(({ hostPort, containerPort, protocol, hostIp }) => ({
    hostPort,
    containerPort,
    protocol: protocol.toLowerCase(),
    hostIP: hostIp,
  }));
}

/** Plugins report errors as JSON on standard output. */
function pluginMessage(error: CommandError): string {
  try {
    const { msg = '', details = '' } = JSON.parse(error.stdout) as { readonly msg?: string; readonly details?: string };
    return [msg, details].filter((text) => text !== '').join(': ');
  } catch {
    return error.stderr.trim() || error.stdout.trim() || error.message;
  }
}
