/** Rules of resource amounts: which names there are, and how requests and limits go together. */
import type { ResourceRequirements } from '../../generated/types.js';
import { compareQuantities, parseQuantity } from '../../quantity/quantity.js';
import type { Place, Rule } from '../place.js';
import { isQualifiedName } from './names.js';
import { nonNegativeQuantity } from './values.js';

type Amounts = Readonly<Record<string, string>>;

const containerResources: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
const standardResources: ReadonlySet<string> = new Set([
  ...containerResources,
  'storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'requests.storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]);

function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** Kubernetes' own resources have no domain, or one that ends in `kubernetes.io`. All others are whole and cannot be overcommitted. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

function containerResourceName(name: string, at: Place): void {
  at.invalidEach(name, isQualifiedName(name));
  if (name.includes('/') || isHugePages(name)) return;
  if (!standardResources.has(name)) at.invalid(name, 'must be a standard resource type or fully qualified');
  if (!containerResources.has(name)) at.invalid(name, 'must be a standard resource for containers');
}

function isWhole(amount: string): boolean {
  return parseQuantity(amount).nanos % 1_000_000_000n === 0n;
}

function amount(name: string, value: string, at: Place): void {
  nonNegativeQuantity(value, at);
  if (!isNativeResource(name) && !isWhole(value)) at.invalid(value, 'must be an integer');
}

/** Names and amounts of a container's requests and limits, and no request above its limit. */
export const resourceRequirements: Rule<ResourceRequirements> = (resources, at) => {
  const limits: Amounts = resources.limits ?? {};
  const requests: Amounts = resources.requests ?? {};
  for (const [name, value] of Object.entries(limits)) {
    const place = at.field('limits').key(name);
    containerResourceName(name, place);
    amount(name, value, place);
  }
  for (const [name, value] of Object.entries(requests)) {
    const place = at.field('requests').key(name);
    containerResourceName(name, place);
    amount(name, value, place);
    const limit = limits[name];
    if (limit !== undefined) requestWithinLimit({ name, request: value, limit }, at);
    else if (!isNativeResource(name)) at.field('limits').required('Limit must be set for non overcommitable resources');
  }
};

function requestWithinLimit(pair: { name: string; request: string; limit: string }, at: Place): void {
  const order = compareQuantities(pair.request, pair.limit);
  const requests = at.field('requests');
  const fixed = !isNativeResource(pair.name) || isHugePages(pair.name);
  if (fixed && order !== 0) requests.invalid(pair.request, `must be equal to ${pair.name} limit of ${pair.limit}`);
  else if (order > 0) requests.invalid(pair.request, `must be less than or equal to ${pair.name} limit of ${pair.limit}`);
}
