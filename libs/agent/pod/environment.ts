/** A container's environment, with every reference resolved. */
import { decodeBase64 } from '../../kit/index.js';
import type { Container, EnvFromSource, EnvVar, Pod, Service } from '../../api/index.js';
import type { AssignedState } from '../assigned-state.js';
import { ContainerStartError } from '../ports.js';
import { expand } from './expansion.js';
import { fieldValue, resourceValue } from './references.js';
import type { NodeCapacity, PodFacts } from './references.js';
import { serviceEnvironment } from './service-environment.js';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly imageEnv: readonly string[];
  readonly hostname: string;
  readonly facts: PodFacts;
  readonly capacity: NodeCapacity;
  readonly sources: Pick<AssignedState, 'configMap' | 'secret'> & { services(): readonly Service[] };
}

/** Later ones win: image, host name, Services, envFrom, env. Throws ContainerStartError (CreateContainerConfigError). */
export function containerEnvironment(input: EnvironmentInput): ReadonlyMap<string, string> {
  const { pod, container } = input;
  const result = new Map<string, string>([['PATH', DEFAULT_PATH]]);
  result.set('HOSTNAME', input.hostname);
  for (const line of input.imageEnv) {
    const at = line.indexOf('=');
    if (at > 0) result.set(line.slice(0, at), line.slice(at + 1));
  }
  const links = pod.spec?.enableServiceLinks ?? true;
  const services = serviceEnvironment(input.sources.services(), pod.metadata?.namespace ?? '', links);
  const own = new Map<string, string>();
  for (const source of container.envFrom ?? []) for (const [name, value] of envFrom(input, source)) own.set(name, value);
  for (const variable of container.env ?? []) {
    const value = variableValue(input, variable, (name) => own.get(name) ?? services.get(name));
    if (value !== undefined) own.set(variable.name, value);
  }
  for (const [name, value] of services) result.set(name, value);
  for (const [name, value] of own) result.set(name, value);
  return result;
}

function envFrom(input: EnvironmentInput, source: EnvFromSource): readonly (readonly [string, string])[] {
  const namespace = input.pod.metadata?.namespace ?? '';
  const prefix = source.prefix ?? '';
  if (source.configMapRef !== undefined) {
    const { name = '', optional } = source.configMapRef;
    const found = input.sources.configMap(namespace, name);
    if (found === undefined && optional !== true) throw configError(`configmap "${name}" not found`);
    return Object.entries(found?.data ?? {}).map(([key, value]) => [prefix + key, value]);
  }
  const { name = '', optional } = source.secretRef ?? {};
  const found = input.sources.secret(namespace, name);
  if (found === undefined && optional !== true) throw configError(`secret "${name}" not found`);
  return Object.entries(found?.data ?? {}).map(([key, value]) => [prefix + key, decodeBase64(value) ?? '']);
}

/** `undefined`: an optional source is missing, the variable does not exist. */
function variableValue(input: EnvironmentInput, variable: EnvVar, lookup: (name: string) => string | undefined): string | undefined {
  const from = variable.valueFrom;
  if (from === undefined) return expand(variable.value ?? '', lookup);
  if (from.configMapKeyRef !== undefined) return keyValue(input, 'ConfigMap', from.configMapKeyRef);
  if (from.secretKeyRef !== undefined) return keyValue(input, 'Secret', from.secretKeyRef);
  try {
    if (from.fieldRef !== undefined) return fieldValue(input.pod, from.fieldRef, input.facts);
    if (from.resourceFieldRef !== undefined) return resourceValue(input.pod, input.container, from.resourceFieldRef, input.capacity);
  } catch (error) {
    throw configError(error instanceof Error ? error.message : String(error));
  }
  return undefined;
}

function keyValue(
  input: EnvironmentInput,
  kind: 'ConfigMap' | 'Secret',
  ref: { readonly name?: string | undefined; readonly key: string; readonly optional?: boolean | undefined },
): string | undefined {
  const namespace = input.pod.metadata?.namespace ?? '';
  const name = ref.name ?? '';
  const found = kind === 'ConfigMap' ? input.sources.configMap(namespace, name) : input.sources.secret(namespace, name);
  if (found === undefined) {
    if (ref.optional === true) return undefined;
    throw configError(`${kind.toLowerCase()} "${name}" not found`);
  }
  const value = found.data?.[ref.key];
  if (value !== undefined) return kind === 'Secret' ? (decodeBase64(value) ?? '') : value;
  if (ref.optional === true) return undefined;
  throw configError(`couldn't find key ${ref.key} in ${kind} ${namespace}/${name}`);
}

function configError(message: string): ContainerStartError {
  return new ContainerStartError('CreateContainerConfigError', message);
}
