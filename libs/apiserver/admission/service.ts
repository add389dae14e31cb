/** Cluster IPs and node ports: chosen from what the stored services leave free, kept across updates, given back by type changes. */
import { storePrefix, type FieldError, type KubeObject } from '../../api/index.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { integer, record, records, sameData, text, texts, type Fields } from '../registry/object.js';
import { invalid } from '../status.js';
import { contains, formatAddress, parseAddress, parseRange } from './addresses.js';
import type { AdmissionRule } from './admit.js';
import { withSpec } from './pod.js';

/** What the other services hold. */
interface Taken {
  readonly addresses: ReadonlySet<string>;
  /** `TCP/30080`. */
  readonly ports: ReadonlySet<string>;
}

export const serviceAllocation: AdmissionRule = {
  name: 'ServiceAllocation',
  actions: ['CREATE', 'UPDATE'],
  resources: ['/services'],
  admit: (context, operation, { object: service, old }) => {
    if (service === undefined) return service;
    const taken = takenByOthers(context, service);
    const typed = withoutOldTypesFields(service, old);
    const addressed = withAddress(context, operation, withOldAddress(typed, old), taken);
    return withPorts(context, operation, withOldPorts(addressed, old), taken);
  },
};

function takenByOthers(context: ApiContext, service: KubeObject): Taken {
  const addresses = new Set<string>();
  const ports = new Set<string>();
  for (const { object } of context.cache.list(storePrefix({ group: '', resource: 'services' }))) {
    if (object.metadata.uid === service.metadata.uid) continue;
    const spec = record(object['spec']);
    for (const address of texts(spec['clusterIPs'])) addresses.add(address);
    for (const port of records(spec['ports'])) {
      if (integer(port['nodePort']) !== undefined) ports.add(portKey(port));
    }
    const health = integer(spec['healthCheckNodePort']) ?? 0;
    if (health > 0) ports.add(`TCP/${health}`);
  }
  return { addresses, ports };
}

function portKey(port: Fields, number = integer(port['nodePort'])): string {
  return `${text(port['protocol']) ?? 'TCP'}/${number}`;
}

const isExternal = (spec: Fields): boolean => spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer';
const isBalanced = (spec: Fields): boolean => spec['type'] === 'LoadBalancer';

/** Fields that only some types have: a change of type that leaves them as they were drops them, so that a patch of the type alone works. */
const fieldsOfTypes: Readonly<Record<string, (spec: Fields) => boolean>> = {
  externalName: (spec) => spec['type'] === 'ExternalName',
  externalTrafficPolicy: isExternal,
  healthCheckNodePort: (spec) => isBalanced(spec) && spec['externalTrafficPolicy'] === 'Local',
  allocateLoadBalancerNodePorts: isBalanced,
  loadBalancerClass: isBalanced,
};

function withoutOldTypesFields(service: KubeObject, old: KubeObject | undefined): KubeObject {
  const before = record(old?.['spec']);
  const spec = record(service['spec']);
  const dropped = Object.entries(fieldsOfTypes).filter(([field, has]) => has(before) && !has(spec) && sameData(before[field], spec[field]));
  if (old === undefined || dropped.length === 0) return service;
  const names = new Set(dropped.map(([field]) => field));
  return { ...service, spec: Object.fromEntries(Object.entries(spec).filter(([field]) => !names.has(field))) };
}

/** An update that leaves the address out keeps it; `ExternalName` gives it back. */
function withOldAddress(service: KubeObject, old: KubeObject | undefined): KubeObject {
  const spec = record(service['spec']);
  if (spec['type'] === 'ExternalName') {
    const { clusterIP: _one, clusterIPs: _all, ipFamilies: _families, ipFamilyPolicy: _policy, ...rest } = spec;
    return { ...service, spec: rest };
  }
  const before = record(old?.['spec']);
  if ((text(spec['clusterIP']) ?? '') !== '' || before['clusterIP'] === undefined) return service;
  return withSpec(service, { clusterIP: before['clusterIP'], clusterIPs: before['clusterIPs'] });
}

function withAddress(context: ApiContext, operation: Operation, service: KubeObject, taken: Taken): KubeObject {
  const spec = record(service['spec']);
  if (spec['type'] === 'ExternalName') return service;
  const wanted = text(spec['clusterIP']) || texts(spec['clusterIPs'])[0] || '';
  if (wanted === 'None' && Object.keys(record(spec['selector'])).length === 0) {
    // Kubernetes docs, "Headless Services without selectors": whoever fills in the endpoints may use both families.
    const given = texts(spec['ipFamilies']);
    const ipFamilies = given.length > 0 ? given : ['IPv4', 'IPv6'];
    const ipFamilyPolicy = text(spec['ipFamilyPolicy']) ?? (given.length === 1 ? 'SingleStack' : 'RequireDualStack');
    return withSpec(service, { clusterIP: 'None', clusterIPs: ['None'], ipFamilies, ipFamilyPolicy });
  }
  refuseOtherFamilies(operation, service);
  if (wanted === 'None') return withSpec(service, { clusterIP: 'None', clusterIPs: ['None'], ...families(spec) });
  const address = wanted === '' ? freeAddress(context, service, taken) : checkedAddress(context, operation, service, { wanted, taken });
  return withSpec(service, { clusterIP: address, clusterIPs: [address], ...families(spec) });
}

/** The service range has IPv4 addresses only. */
function refuseOtherFamilies(operation: Operation, service: KubeObject): void {
  const spec = record(service['spec']);
  const errors: FieldError[] = texts(spec['ipFamilies']).flatMap((family, at) =>
    family === 'IPv4'
      ? []
      : [
          {
            path: `spec.ipFamilies[${at}]`,
            type: 'FieldValueInvalid' as const,
            message: `Invalid value: ${JSON.stringify(family)}: not configured on this cluster`,
          },
        ],
  );
  if (spec['ipFamilyPolicy'] === 'RequireDualStack') {
    const message = 'Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services';
    errors.push({ path: 'spec.ipFamilyPolicy', type: 'FieldValueInvalid', message });
  }
  if (errors.length > 0) throw invalid(operation.kind, service.metadata.name ?? '', errors);
}

function families(spec: Fields): Fields {
  const given = texts(spec['ipFamilies']);
  return { ipFamilies: given.length > 0 ? given : ['IPv4'], ipFamilyPolicy: text(spec['ipFamilyPolicy']) ?? 'SingleStack' };
}

function checkedAddress(
  context: ApiContext,
  operation: Operation,
  service: KubeObject,
  { wanted, taken }: { readonly wanted: string; readonly taken: Taken },
): string {
  const range = parseRange(context.settings.serviceCidr);
  const address = parseAddress(wanted);
  const refuse = (why: string): Error => {
    const error: FieldError = {
      path: 'spec.clusterIPs',
      type: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify([wanted])}: failed to allocate IP ${wanted}: ${why}`,
    };
    return invalid(operation.kind, service.metadata.name ?? '', [error]);
  };
  if (address === undefined) return wanted; // validation names the malformed address
  if (taken.addresses.has(wanted)) throw refuse('provided IP is already allocated');
  if (!contains(range, address)) {
    throw refuse(
      `the provided network does not match the current range: the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${context.settings.serviceCidr}`,
    );
  }
  return wanted;
}

/**
 * The first free address after a place that the service's name decides: the same cluster state gives the same answer, and
 * neighbours in time are not neighbours in address. The lower part of the range is left for addresses that users choose.
 */
function freeAddress(context: ApiContext, service: KubeObject, taken: Taken): string {
  const range = parseRange(context.settings.serviceCidr);
  const reserved = Math.min(Math.max(16, Math.floor(range.size / 16)), 256);
  const dynamic = range.size - reserved - 1;
  const start = hash(`${service.metadata.namespace}/${service.metadata.name}`) % Math.max(dynamic, 1);
  for (let step = 0; step < dynamic; step++) {
    const address = formatAddress(range.first + reserved + ((start + step) % dynamic));
    if (!taken.addresses.has(address)) return address;
  }
  for (let low = 1; low < reserved; low++) {
    const address = formatAddress(range.first + low);
    if (!taken.addresses.has(address)) return address;
  }
  throw new Error(`the service range ${context.settings.serviceCidr} is full: delete services or widen network.serviceCidr`);
}

const needsNodePorts: ReadonlySet<unknown> = new Set(['NodePort', 'LoadBalancer']);

/** An update that leaves node ports out keeps them; a change to ClusterIP gives back those that it does not ask for anew. */
function withOldPorts(service: KubeObject, old: KubeObject | undefined): KubeObject {
  const spec = record(service['spec']);
  const before = record(old?.['spec']);
  const oldPorts = records(before['ports']);
  if (!needsNodePorts.has(spec['type'])) {
    if (!needsNodePorts.has(before['type'])) return service;
    const held = new Set(oldPorts.map((port) => integer(port['nodePort'])));
    return withSpec(service, { ports: records(spec['ports']).map((port) => withoutHeldPort(port, held)) });
  }
  const ports = records(spec['ports']).map((port) => {
    if (integer(port['nodePort'])) return port;
    const same = oldPorts.find((other) => other['port'] === port['port'] && other['protocol'] === port['protocol']);
    return same?.['nodePort'] === undefined ? port : { ...port, nodePort: same['nodePort'] };
  });
  return withSpec(service, { ports });
}

function withoutHeldPort(port: Fields, held: ReadonlySet<number | undefined>): Fields {
  if (!held.has(integer(port['nodePort']))) return port;
  const { nodePort: _held, ...rest } = port;
  return rest;
}

function withPorts(context: ApiContext, operation: Operation, service: KubeObject, taken: Taken): KubeObject {
  const spec = record(service['spec']);
  if (!needsNodePorts.has(spec['type'])) return service;
  if (spec['type'] === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] === false) return service;
  const used = new Set(taken.ports);
  const ports = records(spec['ports']);
  ports.forEach((port, at) => claimPort(context, operation, service, { port, at, used }));
  return withSpec(service, {
    ports: ports.map((port) => (integer(port['nodePort']) ? port : { ...port, nodePort: freePort(context, service, port, used) })),
  });
}

function claimPort(
  context: ApiContext,
  operation: Operation,
  service: KubeObject,
  { port, at, used }: { readonly port: Fields; readonly at: number; readonly used: Set<string> },
): void {
  const wanted = integer(port['nodePort']) ?? 0;
  if (wanted === 0) return;
  const { nodePortMin, nodePortMax } = context.settings;
  const refuse = (why: string): Error =>
    invalid(operation.kind, service.metadata.name ?? '', [
      { path: `spec.ports[${at}].nodePort`, type: 'FieldValueInvalid', message: `Invalid value: ${wanted}: ${why}` },
    ]);
  if (used.has(portKey(port))) throw refuse('provided port is already allocated');
  if (wanted < nodePortMin || wanted > nodePortMax) {
    throw refuse(`provided port is not in the valid range. The range of valid ports is ${nodePortMin}-${nodePortMax}`);
  }
  used.add(portKey(port));
}

function freePort(context: ApiContext, service: KubeObject, port: Fields, used: Set<string>): number {
  const { nodePortMin, nodePortMax } = context.settings;
  const size = nodePortMax - nodePortMin + 1;
  const start = hash(`${service.metadata.namespace}/${service.metadata.name}/${text(port['name']) ?? integer(port['port'])}`) % size;
  for (let step = 0; step < size; step++) {
    const candidate = nodePortMin + ((start + step) % size);
    const key = portKey(port, candidate);
    if (used.has(key)) continue;
    used.add(key);
    return candidate;
  }
  throw new Error(`every node port from ${nodePortMin} to ${nodePortMax} is taken: delete services or widen network.nodePortMax`);
}

/** FNV-1a, 32 bits: spreads names over a range; nothing depends on its strength. */
function hash(value: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < value.length; at++) sum = Math.imul(sum ^ value.charCodeAt(at), 0x01000193) >>> 0;
  return sum;
}
