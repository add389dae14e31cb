/** Reads the agent's configuration file over the defaults; errors name the file and the field. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { NodeAgentConfig } from './config.js';

type Fields = Readonly<Record<string, unknown>>;

const TEXTS = ['clusterName', 'nodeName', 'nodeAddress', 'gateway', 'joinToken', 'dataDir', 'runDir', 'imageDir', 'cgroupRoot'] as const;
const OTHERS = ['labels', 'capacity', 'dnsUpstreams', 'insecureRegistries', 'log'] as const;

export async function loadConfig(file: string): Promise<NodeAgentConfig> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`cannot read the configuration ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return decodeConfig(parsed, file);
}

export function decodeConfig(value: unknown, file = 'configuration'): NodeAgentConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${file}: must be a JSON object`);
  const given = value as Fields;
  const known: readonly string[] = [...TEXTS, ...OTHERS];
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw new Error(`${file}: unknown field "${name}"; known fields: ${known.join(', ')}`);
  }
  for (const name of TEXTS) {
    if (given[name] !== undefined && typeof given[name] !== 'string') throw new Error(`${file}: ${name}: must be a string`);
  }
  for (const name of ['nodeAddress', 'gateway'] as const) {
    if (given[name] === undefined || given[name] === '') throw new Error(`${file}: ${name}: Required value`);
  }
  const clusterName = textOf(given, 'clusterName', 'berth');
  const nodeName = textOf(given, 'nodeName', hostname().toLowerCase());
  const dataDir = textOf(given, 'dataDir', '/var/lib/berth/agent');
  return {
    labels: {},
    insecureRegistries: [],
    ...(given as Partial<NodeAgentConfig>), // texts are checked above, the rest is shaped by its writers
    clusterName,
    nodeName,
    nodeAddress: textOf(given, 'nodeAddress', ''),
    gateway: textOf(given, 'gateway', ''),
    dataDir,
    runDir: textOf(given, 'runDir', '/run/berth/agent'),
    imageDir: textOf(given, 'imageDir', join(dataDir, 'images')),
    cgroupRoot: textOf(given, 'cgroupRoot', `berth/${clusterName}/${nodeName}`),
    log: { level: 'info', format: 'json', ...(given['log'] as Partial<NodeAgentConfig['log']> | undefined) },
  };
}

function textOf(given: Fields, name: (typeof TEXTS)[number], standard: string): string {
  const value = given[name];
  return typeof value === 'string' ? value : standard;
}
