/** Reads the configuration file over the defaults. Unknown words and wrong types are refused by name. */
import { readFile } from 'node:fs/promises';
import { controlPlaneDefaults, type ControlPlaneConfig } from './config.js';

/** Throws an Error that names the file and the field. */
export async function loadConfig(file: string): Promise<ControlPlaneConfig> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`cannot read the configuration ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return decodeConfig(parsed, file);
}

/** Fills defaults into parsed JSON. */
export function decodeConfig(value: unknown, file = 'configuration'): ControlPlaneConfig {
  const merged = merge(controlPlaneDefaults as unknown as Fields, value, file);
  return merged as unknown as ControlPlaneConfig;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that have no default, or whose shape depends on their `kind`. */
const FREE_FIELDS: ReadonlySet<string> = new Set(['redis', 'store']);

function merge(defaults: Fields, value: unknown, path: string): Fields {
  if (!isFields(value)) throw new Error(`${path}: must be a JSON object`);
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, given] of Object.entries(value)) {
    const standard = defaults[name];
    if (FREE_FIELDS.has(name)) merged[name] = given;
    else if (standard === undefined) throw new Error(`${path}: unknown field "${name}"; known fields: ${Object.keys(defaults).join(', ')}`);
    else if (isFields(standard)) merged[name] = merge(standard, given, `${path}: ${name}`);
    else merged[name] = checked(standard, given, `${path}: ${name}`);
  }
  return merged;
}

function checked(standard: unknown, given: unknown, path: string): unknown {
  if (Array.isArray(standard) !== Array.isArray(given) || typeof standard !== typeof given) {
    throw new Error(`${path}: must be ${Array.isArray(standard) ? 'a list' : `a ${typeof standard}`}`);
  }
  return given;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
