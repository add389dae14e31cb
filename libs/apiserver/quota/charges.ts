/** What one object uses of a ResourceQuota, by the names that quotas have for it. Amounts are billionths of each unit. */
import { qualifiedResource, type KindInfo, type KubeObject } from '../../api/index.js';
import { amountOf, podAmounts, type Amounts } from '../admission/pod-resources.js';
import { integer, record, records, text } from '../registry/object.js';

export const ONE = 1_000_000_000n;

/** Resources that quotas name without `count/`. */
const countedByName: ReadonlySet<string> = new Set([
  'pods',
  'services',
  'configmaps',
  'secrets',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
]);
const STORAGE_CLASS = '.storageclass.storage.k8s.io/';

/** The object's own charges; names that the quota does not limit are the caller's to drop. */
export function chargesOf(kind: KindInfo, object: KubeObject): Amounts {
  const charges = new Map<string, bigint>([[`count/${qualifiedResource(kind)}`, ONE]]);
  if (kind.group !== '') return charges;
  if (countedByName.has(kind.resource)) charges.set(kind.resource, ONE);
  if (kind.resource === 'pods') addPod(charges, object);
  if (kind.resource === 'services') addService(charges, object);
  if (kind.resource === 'persistentvolumeclaims') addClaim(charges, object);
  return charges;
}

function addPod(charges: Map<string, bigint>, pod: KubeObject): void {
  for (const [name, amount] of podAmounts(pod, 'requests')) {
    charges.set(name, amount);
    charges.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podAmounts(pod, 'limits')) charges.set(`limits.${name}`, amount);
}

function addService(charges: Map<string, bigint>, service: KubeObject): void {
  const spec = record(service['spec']);
  const nodePorts = records(spec['ports']).filter((port) => (integer(port['nodePort']) ?? 0) > 0).length;
  charges.set('services.nodeports', BigInt(nodePorts) * ONE);
  charges.set('services.loadbalancers', spec['type'] === 'LoadBalancer' ? ONE : 0n);
}

function addClaim(charges: Map<string, bigint>, claim: KubeObject): void {
  const spec = record(claim['spec']);
  const storage = amountOf(record(record(spec['resources'])['requests'])['storage']);
  charges.set('requests.storage', storage);
  const storageClass = text(spec['storageClassName']) ?? '';
  if (storageClass === '') return;
  charges.set(`${storageClass}${STORAGE_CLASS}requests.storage`, storage);
  charges.set(`${storageClass}${STORAGE_CLASS}persistentvolumeclaims`, ONE);
}

/** The resource whose objects a quota's name counts. */
export function resourceNamed(name: string): { readonly group: string; readonly resource: string } {
  const counted = /^count\/([^.]+)(?:\.(.+))?$/.exec(name);
  if (counted !== null) return { group: counted[2] ?? '', resource: counted[1] ?? '' };
  if (name === 'requests.storage' || name.includes(STORAGE_CLASS)) return { group: '', resource: 'persistentvolumeclaims' };
  if (name.startsWith('services')) return { group: '', resource: 'services' };
  return { group: '', resource: countedByName.has(name) ? name : 'pods' };
}
